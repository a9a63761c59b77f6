import LockstepCollective
import LockstepState
import LockstepFold
import LockstepObservation
import LockstepDatasets
import LockstepEngine
import LockstepLayers
import LockstepOptimization
import LockstepTraining
import LockstepTrainingTestSupport
import Testing

/// Data, models, losses and batches that do not fit each other are errors that name both, and neither
/// wrong numbers nor traps.
@Suite struct ObjectiveInputsTests {
  private static func targets(
    _ count: Int = 12, features: Int = 4, width: Int = 2, name: String = "data"
  ) throws -> Dataset {
    try Dataset(
      name: name, inputShape: [features],
      inputs: .floats((0..<count * features).map { Float($0 % 7) }),
      labels: .targets((0..<count * width).map { Float($0 % 3) }, width: width))
  }

  private static func classes(
    _ count: Int = 12, features: Int = 4, classes: Int = 3
  ) throws -> Dataset {
    try Dataset(
      name: "classes", inputShape: [features],
      inputs: .floats((0..<count * features).map { Float($0 % 7) }),
      labels: .classes((0..<count).map { Int32($0 % classes) }, count: classes))
  }

  private static func regression() throws -> ModelSource {
    try ModelSource(
      Sequential { Linear(2) }, loss: MeanSquaredError(), on: targets(name: "training"), seed: 1)
  }

  /// An objective on named inputs of one's own.
  private static func source(
    _ dataset: Dataset, _ inputs: @escaping (Graph, Int) -> (prediction: Tensor, target: Tensor)
  ) throws -> ModelSource {
    try ModelSource(dataset: dataset, seed: 1) { count, training in
      let graph = Graph(batchCount: count, training: training)
      let (prediction, target) = inputs(graph, count)
      return Objective(
        loss: prediction.squaredError(targets: target), weightPerExample: 2, output: prediction)
    }
  }

  private static func message(_ body: () throws -> Void) -> String {
    do { try body() } catch { return "\(error)" }
    return "no error"
  }

  @Test("outputs and labels that do not fit a loss are named, with what to do")
  func lossesAndLabels() throws {
    func refusal(_ loss: any LossFunction, _ dataset: Dataset, outputs: Int) -> String {
      Self.message {
        _ = try ModelSource(Sequential { Linear(outputs) }, loss: loss, on: dataset, seed: 1)
      }
    }
    let (classes, targets) = (try Self.classes(), try Self.targets(width: 1))
    for (text, words) in [
      (
        refusal(SoftmaxCrossEntropy(), classes, outputs: 1),
        "the model has 1 output and 'classes' has 3 classes: give it one output a class"
      ),
      (
        refusal(BinaryCrossEntropy(), classes, outputs: 1),
        "are classes: set 'data.targetKind' to 'labels' for yes and no, or to 'values' for numbers, or take "
          + "softmaxCrossEntropy with one output a class"
      ),
      (
        refusal(SoftmaxCrossEntropy(), targets, outputs: 2),
        "are numbers: take classes for labels (of a table 'data.targetKind': 'classes', of arrays whole numbers of "
          + "an integer type), or the loss meanSquaredError"
      ),
    ] { #expect(text.contains(words), "\(text)") }
  }

  @Test("an evaluation on data of another form names both forms")
  func evaluators() throws {
    let source = try Self.regression()
    let others: [(Dataset, String)] = [
      (try Self.targets(features: 3), "inputs of shape [3] and 2 target values"),
      (try Self.targets(width: 1), "inputs of shape [4] and 1 target value"),
      (try Self.classes(), "inputs of shape [4] and one of 3 classes"),
    ]
    for (dataset, words) in others {
      let text = Self.message { _ = try ModelEvaluator(source, on: dataset) }
      #expect(text.contains(words) && text.contains("'training'"), "\(text)")
      #expect(text.contains("inputs of shape [4] and 2 target values"), "\(text)")
    }
    let classifier = try ModelSource(
      Sequential { Linear(5) }, loss: SoftmaxCrossEntropy(), on: Self.classes(), seed: 1)
    #expect(
      Self.message { _ = try ModelEvaluator(classifier, on: Self.classes(classes: 4)) }
        .contains("one of 4 classes"))
    #expect(
      Self.message { _ = try ModelEvaluator(classifier, on: Self.targets()) }
        .contains("2 target values"))
    // Fewer classes are among those that were learned.
    _ = try ModelEvaluator(classifier, on: Self.classes(classes: 2))
    let evaluator = try ModelEvaluator(source, on: Self.targets())
    #expect(
      Self.message { _ = try evaluator.evaluation("test", shardSize: 0, on: SoloCollective()) }
        == "Evaluation: shardSize is 0; it must be at least 1")
    #expect(
      Self.message { _ = try evaluator.compute([3, 12]) } == "data: has no example 12; there are 12"
    )
    #expect(Self.message { _ = try evaluator.compute([-1]) }.contains("has no example -1"))
    #expect(try evaluator.compute([]).isEmpty)
    #expect(
      Self.message { _ = try TeacherLogits(of: evaluator, chunkSize: 0, on: SoloCollective()) }
        == "TeacherLogits: chunkSize is 0; it must be at least 1")
  }

  @Test("an objective whose inputs the data cannot fill is refused when the source is made")
  func sources() throws {
    let data = try Self.targets()
    func x(_ graph: Graph, _ count: Int) -> Tensor {
      graph.input("input", [count, 4]).linear(
        graph.parameter(
          ParameterSpecification(name: "w", shape: [2, 4], initializer: ConstantInitializer(0))))
    }
    let cases: [(String, (Graph, Int) -> (prediction: Tensor, target: Tensor))] = [
      (
        "the loss takes labels float32 [3], and an example of 'data' has 2 target values",
        { graph, count in
          let labels = graph.input("label", [count, 3])
          return (x(graph, count), labels.sliced(axis: 1, 0..<2))
        }
      ),
      (
        "the loss takes labels float32 [1]",
        { graph, count in
          (x(graph, count), graph.input("label", [count, 1]).broadcast(to: [count, 2]))
        }
      ),
      (
        "the loss takes labels int32 []",
        { graph, count in
          _ = graph.input("label", [count], .int32)
          return (x(graph, count), x(graph, count))
        }
      ),
      (
        "the model takes inputs float32 [2], and an example of 'data' is float32 [4]",
        { graph, count in (graph.input("input", [count, 2]), graph.input("label", [count, 2])) }
      ),
      (
        "the model asks for an input 'mask', which nothing fills",
        { graph, count in
          (x(graph, count) * graph.input("mask", [count, 2]), graph.input("label", [count, 2]))
        }
      ),
    ]
    for (words, inputs) in cases {
      let text = Self.message { _ = try Self.source(data, inputs) }
      #expect(text.contains(words), "\(text)")
    }
    _ = try Self.source(data) { graph, count in
      (x(graph, count), graph.input("label", [count, 2]))
    }
    #expect(
      Self.message {
        _ = try ModelSource(
          Linear(2), loss: MeanSquaredError(), on: data, seed: 1, threads: 0)
      } == "ModelSource: threads is 0; it must be at least 1")
  }

  @Test("an objective that changes with the number of examples, or is of another one, is refused")
  func traces() throws {
    let data = try Self.targets()
    func objective(_ count: Int, batch: Int, width: Int = 4, weight: Double = 1) -> Objective {
      let graph = Graph(batchCount: batch, training: true)
      let frozen = graph.parameter(
        ParameterSpecification(
          name: "frozen", shape: [width], initializer: ConstantInitializer(0), trainable: false))
      let w = graph.parameter(
        ParameterSpecification(name: "w", shape: [2, 4], initializer: ConstantInitializer(0)))
      let y =
        graph.input("input", [batch, 4]).linear(w) + frozen.sum()
      return Objective(
        loss: y.squaredError(targets: graph.input("label", [batch, 2])), weightPerExample: weight,
        output: y)
    }
    #expect(
      Self.message {
        _ = try ModelSource(dataset: data, seed: 1) { count, _ in objective(count, batch: 3) }
      }.contains("traced for 3 examples where 2 were asked for"))
    #expect(
      Self.message {
        _ = try ModelSource(dataset: data, seed: 1) { count, _ in
          objective(count, batch: count, weight: 0)
        }
      }.contains("the weight of an example is 0.0"))
    // A frozen parameter of another shape for other numbers of examples.
    let source = try ModelSource(dataset: data, seed: 1) { count, _ in
      objective(count, batch: count, width: count == 2 ? 4 : 5)
    }
    let step = try TrainingStep(
      source: source, update: source.update(.sgd()), shards: 4, on: SoloCollective())
    #expect(
      Self.message {
        _ = try step.run(StepBatch(step: 0, epoch: 0, examples: Array(0..<12)[...], shards: 4))
      }.contains("declares other parameters for 3 examples"))
  }

  private struct Odd: LossFunction {
    let make: @Sendable (Tensor, Tensor) -> LossValue
    var name: String { "odd" }
    func targetType(for prediction: TensorType) -> TensorType { prediction }
    func callAsFunction(_ prediction: Tensor, _ target: Tensor, weights: Tensor?) -> LossValue {
      make(prediction, target)
    }
  }

  @Test("a loss of one's own that returns no sum is refused")
  func losses() throws {
    let data = try Self.targets()
    let cases: [(String, Odd)] = [
      (
        "a tensor of shape [2, 2] where the sum over the batch",
        Odd { x, t in LossValue(sum: x - t) }
      ),
      (
        "a weightPerExample of -1.0",
        Odd { x, t in LossValue(sum: (x - t).sum(), weightPerExample: -1) }
      ),
      (
        "the metric 'm' of the loss odd has a countPerExample of 0.0",
        Odd { x, t in
          LossValue(
            sum: (x - t).sum(), metrics: [LossMetric(name: "m", sum: x.sum(), countPerExample: 0)])
        }
      ),
      (
        "a tensor of another trace",
        Odd { _, _ in LossValue(sum: Graph(batchCount: 2, training: true).constant(1)) }
      ),
      (
        "there is no tensor to concatenate",
        Odd { _, _ in LossValue(sum: Tensor.concatenated([], axis: 0)) }
      ),
    ]
    for (words, loss) in cases {
      let text = Self.message { _ = try ModelSource(Linear(2), loss: loss, on: data, seed: 1) }
      #expect(text.contains(words), "\(text)")
    }
  }

  @Test(
    "a batch that is not the step's, or names examples that are not there, is refused",
    arguments: [1, 2])
  func batches(_ ranks: Int) throws {
    let texts = try InProcessGroup.run(ranks: ranks) { group -> [String] in
      let source = try Self.regression()
      let step = try TrainingStep(
        source: source, update: source.update(.sgd(learningRate: 0.1)), shards: 4, on: group)
      func attempt(_ batch: StepBatch) -> String {
        Self.message { _ = try step.run(batch) }
      }
      let all = Array(0..<12)[...]
      let before = Weights(of: source).fingerprint()
      var texts = [
        attempt(StepBatch(step: 3, epoch: 0, examples: all, shards: 4)),
        attempt(StepBatch(step: 0, epoch: 0, examples: all, shards: 0)),
        attempt(StepBatch(step: 0, epoch: 0, examples: all, shards: 8)),
        attempt(StepBatch(step: 0, epoch: 0, examples: all, shards: 4, microBatches: 0)),
        attempt(StepBatch(step: 0, epoch: -1, examples: all, shards: 4)),
        attempt(StepBatch(step: 0, epoch: 0, examples: [0, 1, 12, 3], shards: 4)),
        attempt(StepBatch(step: 0, epoch: 0, examples: [-1], shards: 4)),
        attempt(StepBatch(step: 0, epoch: 0, examples: [], shards: 4)),
      ]
      // Nothing has changed, and the step goes on.
      texts.append("\(before == Weights(of: source).fingerprint())")
      texts.append(attempt(StepBatch(step: 0, epoch: 0, examples: all, shards: 4)))
      // On one rank alone: the others hear of it.
      if group.size > 1 {
        texts.append(
          attempt(
            StepBatch(
              step: 1, epoch: 0, examples: all, shards: group.rank == 1 ? 2 : 4)))
      }
      return texts
    }
    for (rank, texts) in texts.enumerated() {
      let words = [
        "StepBatch: step is 3; it must be 0", "StepBatch: shards is 0; it must be the step's 4",
        "StepBatch: shards is 8; it must be the step's 4",
        "StepBatch: microBatches is 0; it must be at least 1",
        "StepBatch: epoch is -1; it must be at least 0",
        "StepBatch: examples is 12; it must be in 0..<12", "StepBatch: examples is -1",
        "the weights of the batch add up to 0", "true", "no error",
        "shards is 2; it must be the step's 4",
      ]
      for (text, word) in zip(texts, words) {
        #expect(text.contains(word), "rank \(rank): \(text)")
      }
    }
  }

  @Test("a sampler of more examples than there are is refused")
  func samplers() throws {
    let source = try Self.regression()
    let step = try TrainingStep(
      source: source, update: source.update(.sgd()), shards: 4, on: SoloCollective())
    let text = Self.message {
      _ = try Trainer(
        step: step, sampler: Sampler(count: 13, batchSize: 4, seed: 1),
        options: TrainerOptions(epochs: 1), configuration: [:], on: SoloCollective())
    }
    #expect(text.contains("sampler.count is 13; it must be at most 12"), "\(text)")
  }

  @Test("what is set on a source later must fit it, too")
  func settings() throws {
    let batch = StepBatch(step: 0, epoch: 0, examples: Array(0..<12)[...], shards: 4)
    let source = try Self.regression()
    let step = try TrainingStep(
      source: source, update: source.update(.sgd()), shards: 4, on: SoloCollective())
    source.timeline = try Timeline(threads: 2)
    #expect(
      Self.message { _ = try step.run(batch) }.contains("timeline.threads is 2; it must be 1"))
    source.timeline = nil
    source.augmentation = try Augmentation([], for: Self.targets(features: 5))
    #expect(
      Self.message { _ = try step.run(batch) }.contains("the augmentation was made for [5]"))
    source.augmentation = nil
    _ = try step.run(batch)
    #expect(
      Self.message { _ = try Timeline(threads: 0) }
        == "Timeline: threads is 0; it must be at least 1")
  }

  @Test("groups, collectives and folds refuse numbers that make no sense")
  func groups() throws {
    for ranks in [0, -1, .max] {
      #expect(
        Self.message { _ = try InProcessGroup.run(ranks: ranks) { $0.rank } }
          .contains("InProcessGroup: ranks is \(ranks)"))
    }
    let solo = SoloCollective()
    var bytes: [UInt8] = [1, 2]
    bytes.withUnsafeMutableBytes { bytes in
      #expect(Self.message { try solo.broadcast(bytes, root: 1) }.contains("root is 1"))
      #expect(
        Self.message {
          try solo.allgather(UnsafeRawBufferPointer(bytes), counts: [3], into: bytes)
        }.contains("counts is [3]"))
    }
    #expect(
      Self.message { _ = try ScalarFold(runs: [], metrics: 0, on: solo) }.contains("runs is []"))
    #expect(
      Self.message { _ = try ScalarFold(runs: [0..<4], metrics: -1, on: solo) }
        .contains("metrics is -1"))
    #expect(
      Self.message {
        _ = try FoldPlan(shards: 4, ranks: 1, layout: FlatLayout([("w", [.max, .max])]))
      }.contains("tensor 'w' of shape"))
    let plan = try FoldPlan(shards: 4, ranks: 2, layout: FlatLayout([("w", [100])]))
    #expect(Self.message { _ = try solo.makeExchange(plan) }.contains("plan.ranks is 2"))
    #expect(plan.gradientBlocks(ofRank: 2).isEmpty && plan.gradientBlocks(ofRank: -1).isEmpty)
  }
}
