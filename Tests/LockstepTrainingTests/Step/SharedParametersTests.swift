import LockstepCollective
import LockstepState
import LockstepFold
import LockstepDatasets
import LockstepEngine
import LockstepFiles
import LockstepOptimization
import LockstepTestSupport
import LockstepTraining
import LockstepTrainingTestSupport
import Testing

/// Ranks that share memory train one copy of the parameters, with the bits of as many copies.
@Suite struct SharedParametersTests {
  struct Run: Sendable {
    var isSharded = true
    var options = TrainerOptions(epochs: 2)
    /// What a rank does to its state behind a step.
    var disturb: @Sendable (_ rank: Int, _ step: Int, StateRegistry) -> Void = { _, _, _ in }
    var isInterrupted: @Sendable (_ step: Int) -> Bool = { _ in false }

    struct Result: Sendable, Equatable {
      var fingerprint: String
      /// The losses of the weights and of their average, in turn.
      var losses: [Double]
      var address: UInt
      var isShared: Bool
    }

    func run(on group: any Collective, _ directory: String? = nil, resume: Bool = false) throws
      -> Result
    {
      let place = try directory.flatMap {
        try RunDirectory.open($0, resume: resume, configuration: [:], on: group)
      }
      let dataset = try SmallModel.dataset(count: 101)
      let source = try ModelSource(dataset: dataset, seed: 9, trace: SmallModel.convolutional.trace)
      // Ranks other than the first start from what it starts from.
      source.memory.initialize(seed: group.rank == 0 ? 4 : 5)
      let evaluator = try ModelEvaluator(source, on: dataset)
      _ = try evaluator.compute([1, 2, 3, 4][...])
      let plan = try FoldPlan(shards: 8, of: source, on: group)
      let rule = try UpdateRule(
        layout: source.memory.trainableLayout, chain: .adam(learningRate: 0.01),
        constraints: source.memory.trainableLayout.slots.map {
          $0.shape.count > 1 ? .maxNorm(1) : nil
        },
        average: WeightAverage(decay: 0.8),
        owning: isSharded ? plan.gradientBlocks(ofRank: group.rank) : nil)
      let step = try TrainingStep(
        source: source, update: rule,
        shards: 8, on: group)
      let average = AveragedModel(source, rule, plan, on: group)
      let losses = Losses()
      func evaluation(_ name: String) throws -> Evaluation {
        let evaluation = try evaluator.evaluation(name, shardSize: 25, on: group)
        evaluation.onReport = { losses.all.append($0.loss) }
        return evaluation
      }
      let averaged = try evaluation("average")
      averaged.around = { body in try average.run(body) }
      var trainer: Trainer?
      defer { trainer = nil }
      trainer = try Trainer(
        step: step, sampler: try Sampler(count: 101, batchSize: 45, seed: 3),
        evaluations: [try evaluation("plain"), averaged], options: options, configuration: [:],
        directory: place, on: group,
        isInterrupted: {
          if let trainer { disturb(group.rank, step.completed, trainer.registry) }
          return isInterrupted(step.completed)
        })
      _ = try trainer!.run(resume: resume)
      return Result(
        fingerprint: try trainer!.registry.fingerprint(on: group).description, losses: losses.all,
        address: UInt(bitPattern: source.parameters.baseAddress!),
        isShared: source.memory.isShared)
    }

    private final class Losses { var all: [Double] = [] }
  }

  @Test func oneCopyGivesTheBitsOfMany() throws {
    var plain = Run()
    plain.isSharded = false
    let alone = try plain.run(on: SoloCollective())
    #expect(alone.losses.count == 4 && alone.losses[0] != alone.losses[1])
    for ranks in [1, 2, 3, 5, 8] {
      let results = try group(of: ranks) { try Run().run(on: $0) }
      for result in results {
        #expect(result.fingerprint == alone.fingerprint, "\(ranks) ranks")
        #expect(result.losses == alone.losses, "\(ranks) ranks")
        #expect(result.isShared == (ranks > 1))
      }
      #expect(Set(results.map(\.address)).count == 1)
    }
    let replicated = plain
    let copies = try group(of: 3) { try replicated.run(on: $0) }
    #expect(Set(copies.map(\.address)).count == 3)
    #expect(copies.allSatisfy { $0.fingerprint == alone.fingerprint && !$0.isShared })
  }

  @Test func checkpointsOfSharedParametersAreAnybodys() throws {
    let expected = try Run().run(on: SoloCollective()).fingerprint
    for (before, after) in [(1, 3), (3, 2), (2, 1)] {
      try withTemporaryDirectory { directory in
        var first = Run()
        first.isInterrupted = { $0 == 3 }
        let stopping = first
        _ = try group(of: before) { try stopping.run(on: $0, directory) }
        let results = try group(of: after) { try Run().run(on: $0, directory, resume: true) }
        #expect(results.allSatisfy { $0.fingerprint == expected }, "\(before) → \(after) ranks")
      }
    }
  }

  /// There is no replica to compare with: the seal shows the flipped bit.
  @Test func aFlippedBitOfWhatRanksShareIsNamed() throws {
    let errors = try group(of: 3) { group -> String in
      var run = Run()
      run.options.compareEverySteps = 1
      run.disturb = { rank, step, registry in
        guard rank == 1, step == 2 else { return }
        registry.tensors.first { $0.isShared }!.bytes[5] ^= 1
      }
      do { return try run.run(on: group).fingerprint } catch { return "\(error)" }
    }
    for error in errors {
      #expect(
        error.contains("step 2: model/") && error.contains("in the memory that the ranks share"))
    }
  }
}
