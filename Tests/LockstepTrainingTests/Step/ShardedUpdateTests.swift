import LockstepCollective
import LockstepState
import LockstepFold
import LockstepDatasets
import LockstepEngine
import LockstepFiles
import LockstepLayers
import LockstepOptimization
import LockstepTestSupport
import LockstepTraining
import LockstepTrainingTestSupport
import Testing

@Suite struct ShardedUpdateTests {
  /// A run of ``WideSource`` with a chain; batches of 19 examples, a tail of 4.
  struct Run: Sendable {
    var chain: Chain
    var isSharded = true
    var constraints = WideSource.constraints
    var average: WeightAverage?
    var options = TrainerOptions(epochs: 2)
    /// What a rank does to its state behind a step.
    var disturb: @Sendable (_ rank: Int, _ step: Int, StateRegistry) -> Void = { _, _, _ in }
    var isInterrupted: @Sendable (_ step: Int) -> Bool = { _ in false }

    struct Result: Sendable, Equatable {
      var fingerprint: String
      var reports: [Double]
      /// Each tensor's norms, the coefficient and the part clipped, step by step.
      var norms: [Double]
      var heldBytes: Int
    }

    func run(on group: any Collective, _ directory: String? = nil, resume: Bool = false) throws
      -> Result
    {
      let place = try directory.flatMap {
        try RunDirectory.open($0, resume: resume, configuration: [:], on: group)
      }
      let source = WideSource()
      let plan = try FoldPlan(shards: 8, of: source, on: group)
      let rule = try UpdateRule(
        layout: WideSource.trainable, chain: chain, constraints: constraints,
        groups: [ParameterGroup("e", learningRate: 2, weightDecay: 0)], average: average,
        owning: isSharded ? plan.gradientBlocks(ofRank: group.rank) : nil)
      let step = try TrainingStep(
        source: source, update: rule,
        shards: 8, on: group)
      let (reports, norms) = (Reports(), Reports())
      var trainer: Trainer?
      defer { trainer = nil }
      trainer = try Trainer(
        step: step, sampler: try Sampler(count: 42, batchSize: 19, seed: 3), options: options,
        configuration: [:], directory: place, on: group,
        isInterrupted: {
          if let trainer { disturb(group.rank, step.completed, trainer.registry) }
          return isInterrupted(step.completed)
        },
        listener: {
          if case .step(let report, _, _) = $0 {
            reports.all += [
              report.loss, report.update.gradientNorm, report.update.clippedGradientNorm ?? -1,
              report.update.clipped ? 1 : 0,
            ]
            norms.all += step.update.parameterNorms().flatMap { [$0.before, $0.after] }
            norms.all += [report.update.coefficient, report.update.clippedFraction]
          }
        })
      _ = try trainer!.run(resume: resume)
      let held = rule.state.reduce(0) { sum, entry in
        if case .arena(let values, _) = entry.storage { sum + values.count * 4 } else { sum }
      }
      return Result(
        fingerprint: try trainer!.registry.fingerprint(on: group).description,
        reports: reports.all, norms: norms.all, heldBytes: held)
    }

    private final class Reports { var all: [Double] = [] }
  }

  @Test(arguments: RuleCases.all.indices)
  func everyRuleGivesTheBitsOfAReplicatedUpdate(index: Int) throws {
    let (name, chain) = RuleCases.all[index]
    var run = Run(chain: chain)
    run.isSharded = false
    let replicated = try run.run(on: SoloCollective())
    if name != "sgd" {
      #expect(stride(from: 3, to: 24, by: 4).contains { replicated.reports[$0] == 1 })
    }
    run.isSharded = true
    let sharded = run
    for ranks in [1, 2, 3, 5, 8] {
      let results = try group(of: ranks) { try sharded.run(on: $0) }
      for result in results {
        #expect(result.fingerprint == replicated.fingerprint, "\(name) on \(ranks) ranks")
      }
      #expect(results[0].reports == replicated.reports, "\(name) on \(ranks) ranks")
      #expect(results[0].norms == replicated.norms, "\(name) on \(ranks) ranks")
    }
  }

  /// Looking at the folded gradient changes nothing, and all ranks of all runs see the same.
  @Test func whatIsFoldedCanBeSeenWhoeverUpdates() throws {
    func seen(_ isSharded: Bool, _ ranks: Int, looks: Bool) throws -> [[UInt64]] {
      try group(of: ranks) { group -> [UInt64] in
        let source = WideSource()
        let plan = try FoldPlan(shards: 8, of: source, on: group)
        let rule = try UpdateRule(
          layout: WideSource.trainable, chain: .adam(),
          owning: isSharded ? plan.gradientBlocks(ofRank: group.rank) : nil)
        let step = try TrainingStep(
          source: source, update: rule,
          shards: 8, on: group)
        var hashes: [UInt64] = []
        if looks {
          step.onFolded = { hashes.append(Fingerprint(of: UnsafeRawBufferPointer($0)).low) }
        }
        for number in 0..<3 {
          _ = try step.run(
            StepBatch(
              step: number, epoch: 0, examples: Array(number * 20..<number * 20 + 20)[...],
              shards: 8))
        }
        return hashes + [Weights(of: source).fingerprint().low]
      }
    }
    let expected = try seen(false, 1, looks: true)[0]
    #expect(Set(expected).count == 4)
    for (isSharded, ranks) in [(false, 3), (true, 1), (true, 3), (true, 8)] {
      for hashes in try seen(isSharded, ranks, looks: true) { #expect(hashes == expected) }
      for hashes in try seen(isSharded, ranks, looks: false) { #expect(hashes == [expected[3]]) }
    }
  }

  @Test func eachRankKeepsItsShareOfTheState() throws {
    let whole = try Run(chain: .adam(), isSharded: false).run(on: SoloCollective()).heldBytes
    for ranks in [2, 4, 8] {
      let held = try group(of: ranks) { try Run(chain: .adam()).run(on: $0).heldBytes }
      #expect(held.allSatisfy { $0 <= whole / ranks + 2 * 2 * 4 * FlatLayout.blockSize })
      // Padding between tensors may be nobody's.
      #expect((whole - 1000...whole).contains(held.reduce(0, +)))
    }
  }

  /// Factors and bases are with the owners of matrices, whether blocks have owners or not.
  @Test(arguments: [Chain.adafactor(), .shampoo(learningRate: 0.01), .soap(learningRate: 0.01)])
  func eachRankKeepsTheStateOfItsMatrices(_ chain: Chain) throws {
    var run = Run(chain: chain, isSharded: false)
    run.options.compareEverySteps = 1
    let replicated = run
    let alone = try replicated.run(on: SoloCollective())
    for ranks in [2, 3, 5] {
      let results = try group(of: ranks) { try replicated.run(on: $0) }
      #expect(results.allSatisfy { $0.fingerprint == alone.fingerprint })
      #expect(results[0].reports == alone.reports)
      // Nobody has all of it; together they have one of each, and AdamW's moments of vectors.
      #expect(results.allSatisfy { $0.heldBytes < alone.heldBytes })
      let held = results.reduce(0) { $0 + $1.heldBytes }
      #expect((alone.heldBytes - 2000...alone.heldBytes + 256 * ranks).contains(held))
    }
  }

  @Test(arguments: [
    Chain.adam(learningRate: 0.01, amsgrad: true), .adafactor(),
    .shampoo(learningRate: 0.01, preconditionFrequency: 3),
    .soap(learningRate: 0.01, preconditionFrequency: 2),
  ])
  func checkpointsKnowNothingOfRanksOrSlices(_ rule: Chain) throws {
    let chain = Chain(ClipByGlobalNorm(0.3)) + rule
    var run = Run(chain: chain)
    run.options.checkpointEverySteps = 2
    let reference = try withTemporaryDirectory { directory in
      var plain = run
      plain.isSharded = false
      let result = try plain.run(on: SoloCollective(), directory)
      return (
        result.fingerprint, try contents("\(directory)/checkpoints/step-000000004.safetensors")
      )
    }
    // Written by some ranks, read by others, replicated or not.
    for (before, after, isSharded) in [(1, 3, true), (3, 8, true), (8, 2, false), (5, 1, true)] {
      try withTemporaryDirectory { directory in
        var first = run
        first.isInterrupted = { $0 == 3 }
        let stopping = first
        _ = try group(of: before) { try stopping.run(on: $0, directory) }
        #expect(
          try contents("\(directory)/checkpoints/step-000000004.safetensors") == reference.1,
          "written by \(before) ranks")
        var second = run
        second.isSharded = isSharded
        let going = second
        let results = try group(of: after) { try going.run(on: $0, directory, resume: true) }
        for result in results {
          #expect(result.fingerprint == reference.0, "\(before) → \(after) ranks")
        }
      }
    }
  }

  @Test func aCheckpointThatCannotBeWrittenEndsAllRanks() throws {
    try withTemporaryDirectory { directory in
      let errors = try group(of: 3) { group -> String in
        var run = Run(chain: .adam())
        run.disturb = { rank, step, _ in
          // The directory of the checkpoints turns into a file.
          if rank == 0, step == 1 {
            removeDirectory("\(directory)/checkpoints")
            try? AtomicFile.write("\(directory)/checkpoints", text: "")
          }
        }
        do { return try run.run(on: group, directory).fingerprint } catch { return "\(error)" }
      }
      for error in errors { #expect(error.contains("checkpoints") && error.contains("directory")) }
    }
  }

  /// State that one rank alone holds has no replica: its owner's seal shows the flipped bit.
  @Test(arguments: [0, 1, 2])
  func aFlippedBitOfTheStateIsNamed(rank: Int) throws {
    let errors = try group(of: 3) { group -> String in
      var run = Run(chain: .adam())
      run.options.compareEverySteps = 1
      run.disturb = { own, step, registry in
        guard own == rank, step == 2 else { return }
        let tensor = registry.tensors.first {
          $0.name.hasPrefix("optimizer.secondMoment") && $0.bytes.count > 8
        }!
        tensor.bytes[5] ^= 1
      }
      do { return try run.run(on: group).fingerprint } catch { return "\(error)" }
    }
    for error in errors {
      #expect(error.contains("step 2: optimizer.secondMoment/"))
      #expect(error.contains("on rank \(rank) changed since the step's end"))
    }
  }

  @Test(arguments: [0, 1, 3])
  func aFlippedBitOfAParameterIsNamed(rank: Int) throws {
    let errors = try group(of: 4) { group -> String in
      var run = Run(chain: .adam())
      run.options.compareEverySteps = 1
      run.disturb = { own, step, registry in
        // In the mantissa of a tensor's last value.
        guard own == rank, step == 2 else { return }
        registry.tensors.first { $0.name == "parameters/c" }!.bytes[7 * 4 - 3] ^= 8
      }
      do { return try run.run(on: group).fingerprint } catch { return "\(error)" }
    }
    for error in errors {
      #expect(error.hasPrefix("step 3: parameters/c on rank \(rank) differs from rank "))
    }
  }

  @Test func anUpdateOfOtherBlocksIsRefused() throws {
    let errors = try group(of: 2) { group -> String in
      let rule = try UpdateRule(layout: WideSource.trainable, chain: .sgd(), owning: 0..<1)
      do {
        _ = try TrainingStep(
          source: WideSource(), update: rule, shards: 8, on: group)
        return ""
      } catch { return "\(error)" }
    }
    for error in errors { #expect(error.contains("the sharded update owns the blocks 0..<1")) }
  }

  /// Nobody waits for a rank that throws: where one owns other blocks all learn of it.
  @Test func anUpdateOfOtherBlocksOnOneRankIsRefusedByAll() throws {
    let errors = try group(of: 3) { group -> String in
      let source = WideSource()
      let plan = try FoldPlan(shards: 8, of: source, on: group)
      let rule = try UpdateRule(
        layout: WideSource.trainable, chain: .sgd(),
        owning: group.rank == 1 ? 0..<1 : plan.gradientBlocks(ofRank: group.rank))
      do {
        _ = try TrainingStep(source: source, update: rule, shards: 8, on: group)
        return ""
      } catch { return "\(error)" }
    }
    for error in errors { #expect(error.contains("the sharded update owns the blocks")) }
  }

  /// A model of one block: one rank owns all there is, and is no replicated one.
  @Test func aRankThatOwnsEverythingUpdatesForAll() throws {
    let trace: @Sendable (Int, Bool) throws -> Objective = { count, training in
      let graph = Graph(batchCount: count, training: training)
      let weight = graph.parameter(
        ParameterSpecification(
          name: "weight", shape: [10, 144], initializer: UniformInitializer(-0.1, 0.1)))
      let input = graph.input(Objective.Input.examples, [count, 1, 12, 12]).flattened()
      let logits = input.linear(weight, nil)
      let labels = graph.input(Objective.Input.labels, [count], .int32)
      return Objective(
        loss: logits.softmaxCrossEntropy(labels: labels), metrics: [], output: logits)
    }
    func weights(_ isSharded: Bool, ranks: Int) throws -> [[Float]] {
      try group(of: ranks) { group -> [Float] in
        let source = try ModelSource(
          dataset: SmallModel.dataset(count: 60), seed: 9, trace: trace)
        source.memory.initialize(seed: 4)
        let plan = try FoldPlan(shards: 8, of: source, on: group)
        let owned = plan.gradientBlocks(ofRank: group.rank)
        #expect(plan.gradientBlockCount == 1 && (owned.isEmpty || owned == 0..<1))
        let rule = try UpdateRule(
          layout: source.memory.trainableLayout, chain: .adam(learningRate: 0.1),
          owning: isSharded ? owned : nil)
        let step = try TrainingStep(source: source, update: rule, shards: 8, on: group)
        for number in 0..<3 {
          _ = try step.run(
            StepBatch(
              step: number, epoch: 0, examples: Array(number * 20..<number * 20 + 20)[...],
              shards: 8))
        }
        try group.barrier()
        return Array(source.parameters)
      }
    }
    let expected = try weights(false, ranks: 1)[0]
    for ranks in [2, 3, 8] {
      for found in try weights(true, ranks: ranks) { #expect(found == expected) }
    }
  }
}
