import LockstepCollective
import LockstepDatasets
import LockstepEngine
import LockstepFold
import LockstepLayers
import LockstepOptimization
import LockstepState
import LockstepTestSupport
import LockstepTraining
import LockstepTrainingTestSupport
import Testing

/// Training on integers, with a loss that counts its positions itself.
@Suite struct TokenTrainingTests {
  struct Result: Equatable, Sendable {
    var fingerprint: String
    var losses: [Double]
    var weights: [Double]
    var accuracies: [Double]
    var evaluation: EvaluationReport
  }

  static let loss = SoftmaxCrossEntropy(ignoreIndex: MarkedTokens.ignored)

  private static func source(
    _ examples: MarkedTokens, threads: Int = 1
  ) throws -> ModelSource {
    try ModelSource(TokenModel(), loss: loss, on: examples, seed: 3, threads: threads)
  }

  /// Six steps over batches of 12, the last one a tail, in 8 shards.
  private static func train(
    threads: Int = 1, microBatches: Int = 1, on group: any Collective
  ) throws -> Result {
    let examples = try MarkedTokens(count: 68)
    let source = try source(examples, threads: threads)
    let step = try TrainingStep(
      source: source, update: try source.update(.adam(learningRate: 0.05)), shards: 8, on: group)
    let sampler = try Sampler(count: examples.count, batchSize: 12, seed: 2)
    var result = Result(
      fingerprint: "", losses: [], weights: [], accuracies: [],
      evaluation: EvaluationReport(
        name: "", examples: 0, loss: 0, metricNames: [], metrics: []))
    for index in 0..<6 {
      let report = try step.run(
        StepBatch(
          step: index, epoch: 0, examples: try sampler.batch(), shards: 8,
          microBatches: microBatches))
      sampler.advance()
      result.losses.append(report.loss)
      result.weights.append(report.weight)
      result.accuracies += report.metrics
    }
    result.fingerprint = Weights(of: source).fingerprint().description
    result.evaluation = try ModelEvaluator(source, on: examples)
      .evaluation("all", shardSize: 16, on: group).run()
    return result
  }

  @Test("any number of ranks and threads gives the same bits", arguments: [2, 3, 5])
  func ranks(_ ranks: Int) throws {
    let alone = try Self.train(on: SoloCollective())
    #expect(alone.losses.allSatisfy { $0.isFinite })
    let last = try #require(alone.losses.last)
    #expect(last < alone.losses[0])
    for result in try group(of: ranks, { try Self.train(on: $0) }) { #expect(result == alone) }
    for result in try group(of: ranks, { try Self.train(threads: 2, on: $0) }) {
      #expect(result == alone)
    }
    let parts = try Self.train(microBatches: 2, on: SoloCollective())
    for result in try group(of: ranks, { try Self.train(microBatches: 2, on: $0) }) {
      #expect(result == parts)
    }
    // Micro-batches cut shards, not what is counted.
    #expect(parts.weights == alone.weights)
    #expect(parts.accuracies[0] == alone.accuracies[0])
  }

  /// Loss, weight and accuracy of examples in Double.
  private func reference(
    _ examples: MarkedTokens, _ order: [Int], _ source: ModelSource
  ) throws -> (loss: Double, weight: Double, accuracy: Double) {
    let length = MarkedTokens.length
    let trace = try trace(
      TokenModel(), inputShape: [length], batchCount: order.count, training: true, scalar: .int32)
    let target = trace.graph.input("label", [order.count, length], .int32)
    let value = Self.loss(trace.output, target)
    var leaves = ReferenceEvaluator.Leaves()
    for field in examples.fields {
      var values = [Int32](repeating: 0, count: order.count * length)
      try values.withUnsafeMutableBufferPointer {
        try examples.read(field, of: order[...], into: $0)
      }
      leaves.inputs[field.name] = HostTensor([order.count, length], values.map(Double.init))
    }
    for slot in source.memory.trainableLayout.slots {
      leaves.parameters[slot.name] = HostTensor(
        slot.shape, source.memory.trainable[slot.range].map(Double.init))
    }
    let weight = try #require(value.weight)
    let results = try ReferenceEvaluator(trace.graph).evaluate(
      [value.sum, weight, value.metrics[0].sum], leaves
    ).map { $0.values[0] }
    return (results[0] / results[1], results[1], results[2] / results[1])
  }

  @Test("loss, weight and accuracy are those of the positions that count, in Double")
  func numbers() throws {
    let examples = try MarkedTokens(count: 68)
    let source = try Self.source(examples)
    let order = Array(try Sampler(count: examples.count, batchSize: 12, seed: 2).batch())
    let counted = order.reduce(0) { sum, example in
      sum + (0..<MarkedTokens.length).count { examples.counts($0, of: example) }
    }
    let expected = try reference(examples, order, source)
    #expect(expected.weight == Double(counted))
    let first = try Self.train(on: SoloCollective())
    #expect(first.weights[0] == expected.weight)
    #expect(abs(first.losses[0] - expected.loss) < 1e-6)
    #expect(abs(first.accuracies[0] - expected.accuracy) < 1e-12)

    let evaluation = try ModelEvaluator(source, on: examples)
      .evaluation("all", shardSize: 16, on: SoloCollective()).run()
    let all = try reference(examples, Array(0..<examples.count), source)
    #expect(abs(evaluation.loss - all.loss) < 1e-6)
    let accuracy = try #require(evaluation["accuracy"])
    #expect(abs(accuracy - all.accuracy) < 1e-12)
  }

  /// Three steps of a perceptron, whose shards are computed several at once.
  private static func weighted(
    threads: Int = 1, _ loss: SoftmaxCrossEntropy, on group: any Collective
  ) throws -> [Double] {
    let points = try Dataset(
      name: "points", inputShape: [4],
      inputs: .floats((0..<400).map { Float($0 * 37 % 23) / 10 - 1 }),
      labels: .classes((0..<100).map { Int32($0 * $0 % 3) }, count: 3))
    let model = Sequential {
      Linear(16)
      ReLU()
      Linear(3)
    }
    let source = try ModelSource(model, loss: loss, on: points, seed: 2, threads: threads)
    let step = try TrainingStep(
      source: source, update: try source.update(.adam(learningRate: 0.05)), shards: 8, on: group)
    return try (0..<3).flatMap { index in
      let examples = Array(index * 10..<index * 10 + 64)[...]
      let report = try step.run(StepBatch(step: index, epoch: 0, examples: examples, shards: 8))
      return [report.loss, report.weight] + report.metrics
    }
  }

  @Test("weights of classes give the same bits on any number of ranks and threads")
  func classWeights() throws {
    let loss = SoftmaxCrossEntropy(classWeights: [0.5, 2, 1])
    let alone = try Self.weighted(loss, on: SoloCollective())
    // Of 64 squares modulo 3, 22 are 0 and 42 are 1.
    #expect(alone[1] == 22 * 0.5 + 42 * 2)
    for ranks in [2, 3] {
      for result in try group(of: ranks, { try Self.weighted(loss, on: $0) }) {
        #expect(result == alone)
      }
    }
    #expect(try Self.weighted(threads: 3, loss, on: SoloCollective()) == alone)
    let ones = try Self.weighted(
      SoftmaxCrossEntropy(classWeights: [1, 1, 1]), on: SoloCollective())
    let plain = try Self.weighted(SoftmaxCrossEntropy(), on: SoloCollective())
    #expect(ones == plain)
  }

  @Test("ignoring nothing is the loss that ignores nothing")
  func whole() throws {
    let examples = try MarkedTokens(count: 68, marks: false)
    func losses(_ loss: SoftmaxCrossEntropy) throws -> [Double] {
      let source = try ModelSource(TokenModel(), loss: loss, on: examples, seed: 3)
      let step = try TrainingStep(
        source: source, update: try source.update(.sgd(learningRate: 0.1)), shards: 4,
        on: SoloCollective())
      return try (0..<3).map { index in
        let report = try step.run(
          StepBatch(step: index, epoch: 0, examples: Array(0..<12)[...], shards: 4))
        #expect(report.weight == Double(12 * MarkedTokens.length))
        return report.loss
      }
    }
    #expect(try losses(SoftmaxCrossEntropy()) == losses(Self.loss))
  }

  @Test("a batch in which nothing counts ends with an error that says so")
  func nothing() throws {
    let examples = try MarkedTokens(count: 68)
    let source = try Self.source(examples)
    let step = try TrainingStep(
      source: source, update: try source.update(.sgd(learningRate: 0.1)), shards: 2,
      on: SoloCollective())
    let batch = StepBatch(step: 0, epoch: 0, examples: [0, 3, 6, 9][...], shards: 2)
    #expect(throws: StepError.noWeight(step: 1, weight: 0)) { try step.run(batch) }
  }

  @Test("a label that the field cannot have is named with its example")
  func invalid() throws {
    let windows = try TokenWindows(
      TokenStream([Int32]([0, 1, 2, 9, 1, 0, 2]), name: "odd"), length: 2, vocabulary: 3)
    let source = try ModelSource(
      Sequential {
        Features(); Linear(3)
      }, loss: SoftmaxCrossEntropy(), on: windows, seed: 1)
    let step = try TrainingStep(
      source: source, update: try source.update(.sgd(learningRate: 0.1)), shards: 1,
      on: SoloCollective())
    do {
      _ = try step.run(StepBatch(step: 0, epoch: 0, examples: [0, 1][...], shards: 1))
      Issue.record("the token 9 was taken")
    } catch {
      #expect("\(error)".contains("odd: example 1"))
      #expect("\(error)".contains("position 3 is 9"))
    }
  }

  /// A number for each token.
  struct Features: Model {
    func callAsFunction(_ input: Tensor) -> Tensor {
      input.labelWeights(ignoring: nil, classWeights: [0, 1, -1]).reshaped(to: input.shape + [1])
    }
  }

  @Test("a training on tokens runs, and a training's parts know the examples")
  func training() throws {
    let results = try [1, 3].flatMap { ranks in
      try group(of: ranks) { group in
        let examples = try MarkedTokens(count: 68)
        var options = TrainingOptions()
        options.shards = 4
        let training = try Training(
          TokenModel(), on: examples, loss: Self.loss, update: .adamW(learningRate: 0.02),
          batchSize: 16, epochs: 2, options: options, ranks: group)
        try training.evaluate(on: try MarkedTokens(count: 20))
        return try training.fit()
      }
    }
    #expect(results.count == 4)
    let fingerprint = try #require(results[0].fingerprint)
    #expect(fingerprint.description.count == 32)
    #expect(results.allSatisfy { $0 == results[0] })
  }

  @Test("examples of another form are refused for evaluation")
  func forms() throws {
    let source = try Self.source(try MarkedTokens(count: 20))
    let longer = try TokenWindows(
      TokenStream([UInt16](repeating: 1, count: 30), name: "longer"), length: 6,
      vocabulary: MarkedTokens.vocabulary)
    do {
      _ = try ModelEvaluator(source, on: longer)
      Issue.record("windows of another length were taken")
    } catch { #expect("\(error)".contains("cannot be evaluated on 'longer'")) }
  }
}
