import LockstepCollective
import LockstepFold
import LockstepEngine
import LockstepTraining
import LockstepTrainingTestSupport
import Testing

/// Everything that a run leaves behind, as bits.
struct Trace: Equatable, Sendable {
  var parameters: [UInt32] = []
  var runningMean: [UInt32] = []
  var state: [UInt32] = []
  var reports: [StepReport] = []
  var values: [Float] = []
}

@Suite struct TrainingStepTests {
  struct Settings: Sendable {
    var shards = 8
    var steps = 6
    var batchSize = 29
    var momentum: Float = 0
    var clip = Double.infinity
    var box = Float.infinity
    var ridge: Float = 0
    var microBatches = 1
  }

  static func batch(_ step: Int, _ settings: Settings) -> StepBatch {
    // The last step is a tail of 5 examples, fewer than there are shards.
    let count = step == settings.steps - 1 ? 5 : settings.batchSize
    return StepBatch(
      step: step, epoch: 0, examples: Array(step * 1000..<step * 1000 + count)[...],
      shards: settings.shards, microBatches: settings.microBatches)
  }

  static func train(_ settings: Settings, on group: any Collective) throws -> Trace {
    let source = LinearRegression()
    let update = ClippedSGD(regressionParameters)
    update.momentum = settings.momentum
    update.clip = settings.clip
    update.box = settings.box
    let step = try TrainingStep(
      source: source, update: update,
      regularizer: settings.ridge == 0 ? nil : RidgePenalty(settings.ridge, regressionParameters),
      shards: settings.shards, on: group)
    var trace = Trace()
    for index in 0..<settings.steps {
      trace.reports.append(try step.run(batch(index, settings)))
    }
    trace.parameters = bits(source.parameterValues)
    trace.values = source.parameterValues
    trace.runningMean = bits(source.runningMean)
    return trace
  }

  /// A loop of one's own that gives ranks different examples, epochs or steps is told on all ranks, with
  /// nothing updated.
  @Test(arguments: [1, 2], ["examples", "order", "epoch"])
  func ranksWithDifferentBatchesAreNamed(odd: Int, what: String) throws {
    _ = try group(of: 3) { group in
      let source = LinearRegression()
      let step = try TrainingStep(
        source: source, update: ClippedSGD(regressionParameters), shards: 8, on: group)
      let isOdd = group.rank == odd
      var examples = Array(0..<29)
      if isOdd, what == "examples" { examples[28] = 1000 }
      if isOdd, what == "order" { examples.swapAt(3, 4) }
      let before = bits(source.parameterValues)
      let error = #expect(throws: StepError.self) {
        try step.run(
          StepBatch(
            step: 0, epoch: isOdd && what == "epoch" ? 1 : 0, examples: examples[...], shards: 8))
      }
      #expect(error == .batchesDiffer(step: 1, ranks: [odd], reference: 0))
      #expect(bits(source.parameterValues) == before)
    }
  }

  static let variants: [Settings] = [
    Settings(),
    Settings(clip: 0.05),
    Settings(momentum: 0.9, clip: 0.1, box: 0.2, ridge: 0.01, microBatches: 3),
    Settings(shards: 16, batchSize: 11),
  ]

  @Test(arguments: variants.indices)
  func anyNumberOfRanksGivesTheSameBits(variant: Int) throws {
    let settings = Self.variants[variant]
    let alone = try Self.train(settings, on: SoloCollective())
    #expect(alone.reports.map(\.step) == Array(1...settings.steps))
    if settings.clip.isFinite { #expect(alone.reports.contains { $0.update.clipped }) }
    for ranks in 2...8 {
      for trace in try group(of: ranks, { try Self.train(settings, on: $0) }) {
        #expect(trace == alone, "\(ranks) ranks")
      }
    }
  }

  @Test func oneShardAgreesWithEightWithinRounding() throws {
    let eight = try Self.train(Settings(), on: SoloCollective())
    let one = try Self.train(Settings(shards: 1), on: SoloCollective())
    #expect(eight.parameters != one.parameters, "different trees, different bits")
    for (a, b) in zip(eight.values, one.values) { #expect(abs(a - b) <= 1e-5 * max(abs(b), 1)) }
  }

  @Test func theStepIsGradientDescentOnTheWholeBatch() throws {
    // The definition in Double: one pass over all examples of all steps, no shards.
    let settings = Settings(ridge: 0.01)
    let trace = try group(of: 3) { try Self.train(settings, on: $0) }[0]
    let (inputs, outputs) = (LinearRegression.inputs, LinearRegression.outputs)
    let slots = regressionParameters.slots
    var w = LinearRegression().parameterValues.map(Double.init)
    for index in 0..<settings.steps {
      var gradient = [Double](repeating: 0, count: w.count)
      var (loss, weight, absolute) = (0.0, 0.0, 0.0)
      let examples = Self.batch(index, settings).examples
      for number in examples {
        let (x, t, factor) = LinearRegression.example(number)
        for o in 0..<outputs {
          var error = w[slots[1].offset + o] - Double(t[o])
          for i in 0..<inputs { error += w[o * inputs + i] * Double(x[i]) }
          for i in 0..<inputs { gradient[o * inputs + i] += Double(factor) * error * Double(x[i]) }
          gradient[slots[1].offset + o] += Double(factor) * error
          loss += Double(factor) * error * error / 2
          absolute += abs(error)
        }
        weight += Double(factor)
      }
      let penalty = w.reduce(0) { $0 + 0.005 * $1 * $1 }
      let report = trace.reports[index]
      #expect(abs(report.loss - (loss / weight + penalty)) < 1e-5 * report.loss)
      #expect(abs(report.metrics[0] - absolute / Double(examples.count)) < 1e-5 * report.metrics[0])
      #expect(report.weight == weight)
      #expect(report.examples == examples.count)
      for i in w.indices { gradient[i] = gradient[i] / weight + 0.01 * w[i] }
      let norm = gradient.reduce(0) { $0 + $1 * $1 }.squareRoot()
      #expect(abs(report.update.gradientNorm - norm) < 1e-5 * norm)
      for i in w.indices { w[i] -= 0.05 * gradient[i] }
    }
    for (a, b) in zip(trace.values, w) { #expect(abs(Double(a) - b) < 1e-5) }
  }

  @Test func aHugeClipThresholdChangesNothing() throws {
    let plain = try Self.train(Settings(), on: SoloCollective())
    let huge = try Self.train(Settings(clip: 1e30), on: SoloCollective())
    #expect(plain == huge)
  }

  @Test func microBatchesAgreeWithinRounding() throws {
    let whole = try Self.train(Settings(), on: SoloCollective())
    let parts = try Self.train(Settings(microBatches: 2), on: SoloCollective())
    for (a, b) in zip(whole.values, parts.values) {
      #expect(abs(a - b) <= 1e-5 * max(abs(b), 1))
    }
  }

  @Test func requestsAreAgreedByAllRanksAtTheSameStep() throws {
    let heard = try group(of: 3) { group in
      let source = LinearRegression()
      let step = try TrainingStep(
        source: source, update: ClippedSGD(regressionParameters), shards: 8, on: group)
      return try (0..<4).map { index in
        try step.run(
          Self.batch(index, Settings()), requests: index == 2 && group.rank == 1 ? .stop : []
        ).requests
      }
    }
    for requests in heard { #expect(requests == [[], [], .stop, []]) }
  }
}

@Suite struct TrainingStepFaultTests {
  /// Runs two clean steps and a third with a fault; returns the error's text, and whether anything
  /// of the run's state changed in the third.
  static func faulty(
    ranks: Int,
    _ tamper: @escaping @Sendable (LinearRegression.Leaf) throws -> Void
  ) throws -> [(error: String, changed: Bool)] {
    try group(of: ranks) { group in
      let source = LinearRegression()
      let update = ClippedSGD(regressionParameters)
      update.momentum = 0.9
      let step = try TrainingStep(source: source, update: update, shards: 8, on: group)
      func state() -> [[UInt8]] {
        withExtendedLifetime((source, update)) {
          (source.stateEntries + update.stateEntries + step.stateEntries).map { entry in
            switch entry.storage {
            case .arena(let values, _), .floats(let values): Array(UnsafeRawBufferPointer(values))
            case .doubles(let values): Array(UnsafeRawBufferPointer(values))
            case .integers(let values): Array(UnsafeRawBufferPointer(values))
            }
          }
        }
      }
      for index in 0..<2 { _ = try step.run(TrainingStepTests.batch(index, .init())) }
      let before = state()
      source.tamper = tamper
      var text = "no error"
      do {
        _ = try step.run(TrainingStepTests.batch(2, .init()))
      } catch { text = "\(error)" }
      let changed = state() != before
      // A clean step goes on from there.
      source.tamper = { _ in }
      _ = try step.run(TrainingStepTests.batch(2, .init()))
      return (text, changed)
    }
  }

  @Test(arguments: [1, 2, 3, 8])
  func aNaNIsNamedAndChangesNothing(ranks: Int) throws {
    let plan = try FoldPlan(shards: 8, ranks: ranks, layout: regressionParameters)
    for shard in 0..<8 {
      let owner = plan.shardRuns.firstIndex { $0.contains(shard) }!
      for (error, changed) in try Self.faulty(
        ranks: ranks, { if $0.shard == shard { $0.values[16 + 2] = .nan } })
      {
        #expect(
          error.hasPrefix(
            "step 3: not finite: bias[2] = nan in shard \(shard) on rank \(owner) (the shard's loss is "
          )
            && error.hasSuffix("); nothing was updated"), "\(error)")
        #expect(!changed)
      }
    }
  }

  @Test func theLowestShardAndTheFirstTensorAreNamed() throws {
    for (error, changed) in try Self.faulty(
      ranks: 3,
      { leaf in
        if leaf.shard >= 4 {
          leaf.values[7] = .infinity
          leaf.values[17] = .nan
        }
      })
    {
      #expect(error.contains("weight[7] = inf in shard 4 on rank 1 (2 tensors are affected)"))
      #expect(!changed)
    }
  }

  @Test func badStatisticsLossesAndWeightsAreNamedToo() throws {
    for (error, changed) in try Self.faulty(
      ranks: 2, { if $0.shard == 5 { $0.values[32 + 4] = .nan } })
    {
      #expect(error.contains("featureMean[4] = nan in shard 5 on rank 1"))
      #expect(!changed)
    }
    for (error, changed) in try Self.faulty(
      ranks: 2, { if $0.shard == 6 { $0.record.loss = .infinity } })
    {
      #expect(error.contains("the loss = inf in shard 6 on rank 1"))
      #expect(!changed)
    }
    for (error, changed) in try Self.faulty(ranks: 2, { $0.record.weight = 0 }) {
      #expect(error.contains("must be positive"))
      #expect(!changed)
    }
  }

  @Test func anOverflowOfTheSumIsToldFromABadShard() throws {
    for (error, changed) in try Self.faulty(
      ranks: 2, { $0.values[3] = Float.greatestFiniteMagnitude })
    {
      #expect(
        error
          == "step 3: overflow in the fold: weight is not finite, though every shard's part is; "
          + "nothing was updated")
      #expect(!changed)
    }
  }

  @Test func aRankThatCannotComputeEndsTheStepOnAll() throws {
    let results = try Self.faulty(
      ranks: 3, { if $0.shard == 4 { throw LinearRegression.Trouble(shard: 4) } })
    #expect(results.filter { $0.error == "Trouble(shard: 4)" }.count == 1)
    #expect(results.filter { $0.error == "rank 1: Trouble(shard: 4)" }.count == 2)
    #expect(results.allSatisfy { !$0.changed })
  }
}
