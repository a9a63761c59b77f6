import LockstepCollective
import LockstepState
import LockstepFold
import LockstepDatasets
import LockstepEngine
import LockstepLayers
import LockstepOptimization
import LockstepTestSupport
import LockstepTraining
import LockstepTrainingTestSupport
import Testing

/// Batch normalisation over all shards and ranks, against PyTorch's ordinary one on the joined batch.
@Suite struct JointShardsTests {
  static let models: [(name: String, model: any Model)] = [
    (
      "cnn",
      Sequential.digitsCNN(
        channels: (10, 17), units: 20, classes: 10, dropout: 0, statistics: .synchronized)
    ),
    (
      "dense",
      Sequential {
        Flatten()
        Linear(17)
        BatchNorm1d(statistics: .synchronized)
        Tanh()
        Linear(10)
      }
    ),
  ]

  /// What three steps over batches of 44, 31 and 5 examples come to.
  struct Trace: Sendable {
    var losses: [Double] = []
    /// The folded gradient of each step.
    var gradients: [[Float]] = []
    var parameters: [[Float]] = []
    var statistics: [[Float]] = []
  }

  static func train(
    _ index: Int, _ file: ReferenceFile, threads: Int = 1, shards: Int = 8,
    on group: any Collective
  ) throws -> (Trace, ModelSource) {
    let (name, model) = models[index]
    let (inputs, labels) = (try file.tensor("\(name)/inputs"), try file.tensor("\(name)/labels"))
    let dataset = try Dataset(
      name: "reference", inputShape: [1, 12, 12], inputs: .floats(inputs.values.map { Float($0) }),
      labels: .classes(labels.values.map { Int32($0) }, count: 10))
    let source = try ModelSource(
      model, loss: SoftmaxCrossEntropy(), on: dataset, seed: 1, threads: threads)
    for (layout, arena) in [
      (source.memory.trainableLayout, source.memory.trainable),
      (source.memory.statisticLayout, source.memory.runningStatistics),
    ] {
      for slot in layout.slots {
        let values = try file.tensor("\(name)/state/\(slot.name)").values
        for (place, value) in zip(slot.range, values) { arena[place] = Float(value) }
      }
    }
    let step = try TrainingStep(
      source: source, update: try source.update(Chain.sgd(learningRate: 0.1)), shards: shards,
      on: group)
    var trace = Trace()
    step.onFolded = { trace.gradients.append(Array($0)) }
    var start = 0
    for (number, size) in [44, 31, 5].enumerated() {
      let batch = StepBatch(
        step: number, epoch: 0, examples: Array(start..<start + size)[...], shards: shards)
      trace.losses.append(try step.run(batch).loss)
      trace.parameters.append(Array(source.memory.trainable))
      trace.statistics.append(Array(source.memory.runningStatistics))
      start += size
    }
    return (trace, source)
  }

  @Test("gradients, weights and running statistics are PyTorch's", arguments: models.indices)
  func agreesWithPyTorch(_ index: Int) throws {
    let file = try ReferenceFile("LockstepTestSupport/Data/synchronized.safetensors")
    let name = Self.models[index].name
    for (ranks, threads, shards) in [(1, 1, 1), (1, 2, 8), (3, 1, 8), (2, 2, 4)] {
      let traces = try group(of: ranks) {
        try Self.train(index, file, threads: threads, shards: shards, on: $0).0
      }
      let (_, source) = try Self.train(index, file, on: SoloCollective())
      let (gradients, statistics) = (source.memory.trainableLayout, source.memory.statisticLayout)
      func expect(_ values: [Float], _ slot: FlatLayout.Slot, _ key: String) throws {
        let expected = try file.tensor("\(name)/\(key)/\(slot.name)").values
        func largest(_ values: [Double]) -> Double { values.reduce(0) { max($0, abs($1)) } }
        var scale = max(largest(expected), 1e-2)
        if key.hasPrefix("gradient"), largest(expected) < 1e-12 {
          // A bias before batch normalisation has no gradient but roundings of what adds up to 0; the
          // gradient of its weight is of these terms' size.
          let weight = slot.name.replacing("bias", with: "weight")
          scale = largest(try file.tensor("\(name)/\(key)/\(weight)").values)
        }
        for (a, b) in zip(values[slot.range], expected) {
          let close = abs(Double(a) - b) <= 1e-5 * scale
          #expect(close, "\(key) of \(slot.name) on \(ranks) ranks: \(a), expected \(b)")
          if !close { return }
        }
      }
      for trace in traces {
        for step in 0..<3 {
          let loss = try file.tensor("\(name)/loss/\(step)").values[0]
          #expect(abs(trace.losses[step] - loss) < 1e-5 * loss)
          for slot in gradients.slots {
            try expect(trace.gradients[step], slot, "gradient/\(step)")
            try expect(trace.parameters[step], slot, "after/\(step)")
          }
          for slot in statistics.slots { try expect(trace.statistics[step], slot, "after/\(step)") }
        }
      }
    }
  }

  @Test("running statistics do not depend on where the batch is cut, beyond rounding")
  func cuts() throws {
    let file = try ReferenceFile("LockstepTestSupport/Data/synchronized.safetensors")
    let whole = try Self.train(0, file, shards: 1, on: SoloCollective()).0
    for shards in [2, 16, 64] {
      let cut = try Self.train(0, file, shards: shards, on: SoloCollective()).0
      for (a, b) in zip(cut.statistics[2], whole.statistics[2]) {
        #expect(abs(a - b) <= 2e-6 * max(abs(b), 1))
      }
    }
  }

  // MARK: Failures

  private struct Broken: Error, CustomStringConvertible {
    var description: String { "the disk is full" }
  }

  /// What each rank's step throws where rank 1 cannot do its part.
  static func failing(_ kind: String) throws -> [String] {
    try group(of: 3) { group in
      let fails = group.rank == 1
      let source = try ModelSource(
        dataset: try SmallModel.dataset(count: 44), seed: 9,
        trace: { count, training in
          if fails, kind == "plan", count == 6 { throw GraphError("no memory for a plan") }
          return try SmallModel.synchronized.trace(count, training)
        })
      source.memory.initialize(seed: 4)
      let before = Weights(of: source).fingerprint()
      let step = try TrainingStep(
        source: source, update: try source.update(.adam()), shards: 8, on: group)
      let batch = StepBatch(step: 0, epoch: 0, examples: Array(0..<44)[...], shards: 8)
      var text = "nothing"
      do {
        _ = try step.run(batch, requests: [], failure: fails && kind == "before" ? Broken() : nil)
      } catch { text = "\(error)" }
      #expect(Weights(of: source).fingerprint() == before)
      return text
    }
  }

  @Test func aRankThatFailsBeforeOrInsideEndsTheStepOnAll() throws {
    #expect(
      try Self.failing("plan")
        == ["rank 1: no memory for a plan", "no memory for a plan", "rank 1: no memory for a plan"])
    #expect(
      try Self.failing("before")
        == ["rank 1: the disk is full", "the disk is full", "rank 1: the disk is full"])
  }

  @Test func aBatchOfOneValueIsRefusedOnAllRanks() throws {
    for ranks in [1, 3] {
      let texts = try group(of: ranks) { group in
        let source = try ModelSource(
          Self.models[1].model, loss: SoftmaxCrossEntropy(), on: SmallModel.dataset(count: 9),
          seed: 1)
        let step = try TrainingStep(
          source: source, update: try source.update(.sgd(learningRate: 0.1)), shards: 4, on: group)
        do {
          _ = try step.run(StepBatch(step: 0, epoch: 0, examples: [3], shards: 4))
          return "nothing"
        } catch { return "\(error)" }
      }
      for text in texts { #expect(text.hasPrefix("layer '2': one value a channel"), "\(text)") }
    }
  }

  /// An epoch's last batch of one example is found before the first step, and only where it is reached.
  @Test func anEpochsLastBatchIsCheckedBeforeTheFirstStep() throws {
    for (count, microBatches, steps, refused) in [
      (17, 1, nil, true), (17, 1, 1, false), (18, 1, nil, false), (17, 2, nil, true),
      (18, 2, nil, false), (16, 1, nil, false),
    ] as [(Int, Int, Int?, Bool)] {
      let texts = try group(of: 2) { group in
        let source = try ModelSource(
          Self.models[1].model, loss: SoftmaxCrossEntropy(), on: SmallModel.dataset(count: count),
          seed: 1)
        let step = try TrainingStep(
          source: source, update: try source.update(.sgd(learningRate: 0.1)), shards: 4, on: group)
        var options = TrainerOptions(epochs: 1, steps: steps)
        options.microBatches = microBatches
        var events = 0
        do {
          _ = try Trainer(
            step: step, sampler: try Sampler(count: count, batchSize: 8, seed: 5), options: options,
            configuration: [:], on: group, listener: { _ in events += 1 }
          ).run()
          return "trained"
        } catch {
          #expect(events == 0)
          return "\(error)"
        }
      }
      for text in texts {
        if refused {
          #expect(text.contains("layer '2': one value a channel"), "\(text)")
          #expect(text.contains("a batch of \(count % 8) example"), "\(text)")
        } else {
          #expect(text == "trained", "\(count) examples")
        }
      }
    }
  }

  @Test func frozenStatisticsAreNobodysToMeetFor() throws {
    func source(_ patterns: [String]) throws -> ModelSource {
      try ModelSource(
        Self.models[0].model, loss: SoftmaxCrossEntropy(), on: SmallModel.dataset(count: 9),
        seed: 1, freezing: Freezing(batchNorms: patterns))
    }
    #expect(try source([]).isJoint)
    #expect(try source(["1"]).isJoint)
    #expect(!(try source(["*"]).isJoint))
  }

  @Test func shardsThatSeeEachOtherAreNotComputedAlone() throws {
    let source = try KernelProbeTests.source(.synchronized)
    #expect(source.isJoint)
    let leaf = Arena<Float>(count: source.layout.count)
    let numbers = try ScalarFold(runs: [0..<8], metrics: 1, on: SoloCollective())
    let batch = StepBatch(step: 0, epoch: 0, examples: Array(0..<20)[...], shards: 8)
    #expect(throws: GraphError.self) {
      try numbers.gather { records in
        try source.computeShard(3, of: batch, into: leaf.buffer, record: records[3])
      }
    }
    #expect(!(try KernelProbeTests.source(.convolutional)).isJoint)
  }
}
