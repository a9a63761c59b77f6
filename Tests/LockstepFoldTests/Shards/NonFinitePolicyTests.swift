import LockstepCollective
import LockstepState
import LockstepFold
import LockstepEngine
import LockstepFiles
import LockstepOptimization
import LockstepTraining
import LockstepTrainingTestSupport
import Testing

/// Steps with something that is not finite: skipped whole, or mended shard by shard, alike on all
/// ranks.
@Suite struct NonFinitePolicyTests {
  /// A training of steps of 24 examples, three a shard, with a clip that remembers, moments and an
  /// average.
  struct Run: Sendable {
    var policy = NonFinitePolicy.stop
    /// The numbers of the batches, in order; the number says which examples are in it.
    var batches = Array(0..<6)
    var isSharded = false
    /// Spoils a leaf of a batch.
    var tamper: @Sendable (_ batch: Int, LinearRegression.Leaf) -> Void = { _, _ in }
    var chain = Chain(AutoClip(percentile: 30, window: 3)) + .adamW(learningRate: 0.01)

    struct Result: Sendable, Equatable {
      /// The hash of all state but the counters of steps.
      var state = Fingerprint(of: "")
      var reports: [StepReport] = []
      /// The error that ended it.
      var error = ""
      /// The state's hash behind each step.
      var states: [Fingerprint] = []
      var skippedInARow = 0
    }

    func callAsFunction(on group: any Collective) throws -> Result {
      let source = LinearRegression()
      let plan = try FoldPlan(shards: 8, of: source, on: group)
      let rule = try UpdateRule(
        layout: regressionParameters, chain: chain, constraints: [.maxNorm(0.5), nil],
        average: WeightAverage(decay: 0.75),
        owning: isSharded ? plan.gradientBlocks(ofRank: group.rank) : nil)
      let step = try TrainingStep(
        source: source, update: rule,
        nonFinite: policy, shards: 8, on: group)
      let registry = StateRegistry()
      try registry.add(source.stateEntries, of: source)
      try registry.add(step.update.stateEntries, of: step.update)
      var result = Result()
      for batch in batches {
        source.tamper = { tamper(batch, $0) }
        do {
          result.reports.append(
            try step.run(
              StepBatch(
                step: step.completed, epoch: 0,
                examples: Array(batch * 1000..<batch * 1000 + 24)[...], shards: 8)))
          result.states.append(try registry.fingerprint(on: group))
        } catch { result.error = "\(error)" }
        if !result.error.isEmpty { break }
      }
      result.state = try registry.fingerprint(on: group)
      result.skippedInARow = step.skippedInARow
      return result
    }

    /// The result on ranks, which must all come to the same.
    func result(ranks: Int) throws -> Result {
      let all = try group(of: ranks) { try self(on: $0) }
      // In words, in which a NaN is a NaN.
      let differ = Set(all.map { "\($0)" }).count > 1
      #expect(!differ)
      return all[0]
    }
  }

  /// The cases of ranks and kinds of update.
  static let ways = [(1, false), (2, true), (3, false), (3, true), (8, true)]

  @Test(arguments: ways)
  func aSkippedBatchLeavesNoTrace(ranks: Int, isSharded: Bool) throws {
    var sick = Run(policy: .skip(), isSharded: isSharded)
    sick.tamper = { if $0 == 2, $1.shard == 5 { $1.values[16 + 2] = .nan } }
    let result = try sick.result(ranks: ranks)
    let without = try Run(batches: [0, 1, 3, 4, 5]).result(ranks: 1)
    #expect(result.state == without.state)
    #expect(result.states[2] == result.states[1] && result.states[3] != result.states[2])
    #expect(result.reports.map(\.step) == Array(1...6))
    #expect(result.reports.map { $0.skipped != nil } == [false, false, true, false, false, false])
    let skipped = try #require(result.reports[2].skipped)
    let owner = try FoldPlan(shards: 8, ranks: ranks, layout: regressionParameters)
      .shardRuns.firstIndex { $0.contains(5) }!
    #expect(skipped.finding == "step 3: not finite: bias[2] = nan in shard 5 on rank \(owner)")
    #expect(!result.reports[2].update.gradientNorm.isFinite && !result.reports[2].update.clipped)
    #expect(result.reports[2].update.learningRate == 0)
    // Reports go on as if the batch had not been there.
    let expected = without.reports[2...].map { report in
      var update = report.update
      update.step += 1
      return update
    }
    #expect(result.reports[3...].map(\.update) == expected)
    #expect(result.skippedInARow == 0)
  }

  @Test func tooManySkippedStepsInARowEndTheRun() throws {
    var run = Run(policy: .skip(limit: 3), batches: Array(0..<12))
    // Two, then a healthy one, then more.
    run.tamper = { batch, leaf in
      if [1, 2].contains(batch) || batch >= 4, leaf.shard == 0 { leaf.values[7] = .infinity }
    }
    let result = try run.result(ranks: 3)
    #expect(result.reports.count == 6)
    #expect(result.skippedInARow == 2)
    #expect(
      result.error.hasPrefix(
        "step 7: not finite: weight[7] = inf in shard 0 on rank 0; it is number 3 of the bad steps in a "
          + "row, and nonFinite.limit is 3: skipping does not help."), "\(result.error)")
    // Nothing has moved since the last healthy step.
    #expect(result.state == result.states[3])
  }

  /// A shard with anything that is not finite counts as an empty one.
  @Test(arguments: ways)
  func sanitizedShardsAreEmptyOnes(ranks: Int, isSharded: Bool) throws {
    var sick = Run(policy: .sanitize(), isSharded: isSharded)
    sick.tamper = { batch, leaf in
      if batch == 1, leaf.shard == 5 { leaf.values[3] = -.infinity }
      if batch == 1, leaf.shard == 6 { leaf.values[32 + 1] = .nan }
      if batch == 3, leaf.shard == 0 { leaf.record.loss = .nan }
    }
    var empty = Run()
    empty.tamper = { batch, leaf in
      if batch == 1 && [5, 6].contains(leaf.shard) || batch == 3 && leaf.shard == 0 { clear(leaf) }
    }
    let (result, expected) = (try sick.result(ranks: ranks), try empty.result(ranks: 1))
    #expect(result.state == expected.state)
    #expect(result.reports[1].examples == 18 && result.reports[3].examples == 21)
    for (mine, other) in zip(result.reports, expected.reports) {
      #expect(mine.loss == other.loss && mine.weight == other.weight)
      #expect(mine.metrics == other.metrics && mine.update == other.update)
    }
    #expect(result.reports.map { $0.sanitized?.shards } == [nil, [5, 6], nil, [0], nil, nil])
    #expect(result.reports[1].sanitized?.dropped == 2 && result.reports[1].sanitized?.values == 0)
    let untouched = try Run().result(ranks: 1)
    #expect(untouched.state != result.state)
  }

  /// Values become zero and the shard keeps its weight, unless there is nothing to keep.
  @Test(arguments: ways)
  func sanitizedValuesAreZeros(ranks: Int, isSharded: Bool) throws {
    var sick = Run(policy: .sanitize(.values), isSharded: isSharded)
    sick.tamper = { batch, leaf in
      if batch == 1, leaf.shard == 5 {
        leaf.values[3] = -.infinity
        leaf.values[17] = .nan
      }
      if batch == 2, leaf.shard == 6 { leaf.values[32 + 1] = .nan }
      if batch == 3, leaf.shard == 0 { leaf.record.loss = .infinity }
    }
    var mended = Run()
    mended.tamper = { batch, leaf in
      if batch == 1, leaf.shard == 5 {
        leaf.values[3] = 0
        leaf.values[17] = 0
      }
      if batch == 2 && leaf.shard == 6 || batch == 3 && leaf.shard == 0 { clear(leaf) }
    }
    let (result, expected) = (try sick.result(ranks: ranks), try mended.result(ranks: 1))
    #expect(result.state == expected.state)
    #expect(result.reports[1].examples == 24 && result.reports[2].examples == 21)
    #expect(result.reports.map { $0.sanitized?.values } == [nil, 2, 0, 0, nil, nil])
    #expect(result.reports.map { $0.sanitized?.dropped } == [nil, 0, 1, 1, nil, nil])
  }

  /// Without anything to mend, mending changes no bit.
  @Test func sanitizingHealthyShardsChangesNothing() throws {
    let plain = try Run().result(ranks: 1)
    for policy in [NonFinitePolicy.skip(), .sanitize(), .sanitize(.values)] {
      #expect(try Run(policy: policy).result(ranks: 3) == plain)
    }
  }

  /// What cannot be mended is skipped: no shard is left, or the sum of finite ones overflows.
  @Test(arguments: [1, 3])
  func whatCannotBeMendedIsSkipped(ranks: Int) throws {
    var sick = Run(policy: .sanitize(), isSharded: ranks > 1)
    sick.tamper = { batch, leaf in
      if batch == 1 { leaf.values[0] = .nan }
      if batch == 3 { leaf.values[4] = leaf.shard == 2 ? .nan : .greatestFiniteMagnitude }
    }
    let result = try sick.result(ranks: ranks)
    #expect(result.state == (try Run(batches: [0, 2, 4, 5]).result(ranks: 1).state))
    #expect(
      result.reports[1].skipped?.finding.hasPrefix(
        "step 2: not finite: weight[0] = nan in shard 0 on rank 0") == true)
    #expect(result.reports[1].sanitized?.shards == Array(0..<8))
    #expect(
      result.reports[3].skipped?.finding
        == "step 4: overflow in the fold: weight is not finite, though every shard's part is")
    #expect(result.reports[3].sanitized?.shards == [2])
  }

  /// Gradients whose squares overflow Float32 are measured and clipped like any others.
  @Test(arguments: [1, 3])
  func hugeFiniteGradientsAreClipped(ranks: Int) throws {
    var huge = Run(chain: Chain(ClipByGlobalNorm(1)) + .sgd(learningRate: 0.05))
    huge.tamper = { batch, leaf in
      // Of the last batch alone: what follows on such weights would not be finite.
      if batch == 5 {
        for index in 0..<15 { leaf.values[index] = 1e30 }
        for index in 16..<19 { leaf.values[index] = 0 }
      }
    }
    let result = try huge.result(ranks: ranks)
    #expect(result.error.isEmpty)
    let report = try #require(result.reports.last)
    let norm = 8e30 / report.weight * 15.0.squareRoot()
    #expect(abs(report.update.gradientNorm / norm - 1) < 1e-6)
    let clippedNorm = try #require(report.update.clippedGradientNorm)
    #expect(report.update.clipped && abs(clippedNorm - 1) < 1e-6)
    #expect(result.states.last == (try huge.result(ranks: 1)).states.last)
  }

  @Test func aLimitOfNothingIsRefused() throws {
    #expect(throws: StepError.self) {
      try TrainingStep(
        source: LinearRegression(), update: ClippedSGD(regressionParameters),
        nonFinite: .skip(limit: 0), shards: 8, on: SoloCollective())
    }
  }
}

/// Makes a leaf that of an empty shard.
private func clear(_ leaf: LinearRegression.Leaf) {
  leaf.values.update(repeating: 0)
  leaf.record.loss = 0
  leaf.record.weight = 0
  leaf.record.examples = 0
  leaf.record[metric: 0] = 0
}
