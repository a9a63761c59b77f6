import LockstepCollective
import LockstepObservation
import LockstepFold
import LockstepDatasets
import LockstepEngine
import LockstepOptimization
import LockstepTraining
import LockstepTrainingTestSupport
import Testing

@Suite struct InputAheadTests {
  struct Settings: Sendable {
    var ranks = 1
    var threads = 1
    var microBatches = 1
    var ahead = false
    var augments = true
    /// An example that cannot be made ready.
    var bad: Int?
  }

  struct Bad: Error, CustomStringConvertible { let description = "this pixel is broken" }

  /// Throws for images that begin as one example does.
  struct Refusal: InputTransform {
    let first: Float
    var description: String { "refusal" }
    func problem(with inputShape: [Int]) -> String? { nil }
    func apply(
      to values: inout MutableSpan<Float>, of input: ExampleInput, random: inout CounterGenerator
    ) throws {
      if values[0] == first { throw Bad() }
    }
  }

  static func source(_ settings: Settings) throws -> ModelSource {
    let dataset = try SmallModel.dataset(count: 101)
    let source = try ModelSource(
      dataset: dataset, seed: 9, threads: settings.threads, trace: SmallModel.perceptron.trace)
    source.memory.initialize(seed: 4)
    var transforms: [any InputTransform] =
      settings.augments ? [RandomShift(pixels: 2), RandomFlip(.vertical)] : []
    if let bad = settings.bad {
      var values = [Float](repeating: 0, count: dataset.inputSize)
      try values.withUnsafeMutableBufferPointer { try dataset.copyInputs(of: [bad], into: $0) }
      transforms.insert(Refusal(first: values[0]), at: 0)
    }
    source.augmentation = try Augmentation(transforms, for: dataset)
    source.preparesAhead = settings.ahead
    return source
  }

  static func step(_ source: ModelSource, on group: any Collective) throws -> TrainingStep {
    let rule = try UpdateRule(
      layout: source.memory.trainableLayout, chain: .adam(learningRate: 0.005))
    return try TrainingStep(source: source, update: rule, shards: 8, on: group)
  }

  static func train(_ settings: Settings) throws -> String {
    try group(of: settings.ranks) { group in
      let source = try source(settings)
      var options = TrainerOptions(epochs: 3)
      options.microBatches = settings.microBatches
      let trainer = try Trainer(
        step: try step(source, on: group),
        sampler: try Sampler(count: 101, batchSize: 40, seed: 3), options: options,
        configuration: [:], on: group)
      return try trainer.run().fingerprint!.description  // done
    }[0]
  }

  @Test func inputsAreTheSameBitsAheadAndDirectly() throws {
    let augmented = try Self.train(Settings())
    let plain = try Self.train(Settings(augments: false))
    #expect(augmented != plain)
    #expect(try Self.train(Settings(ahead: true, augments: false)) == plain)
    for ranks in 1...3 {
      for threads in 1...2 {
        for ahead in [false, true] {
          let settings = Settings(ranks: ranks, threads: threads, ahead: ahead)
          #expect(try Self.train(settings) == augmented, "\(settings)")
        }
      }
    }
    let cut = try Self.train(Settings(microBatches: 3))
    #expect(try Self.train(Settings(ranks: 2, microBatches: 3, ahead: true)) == cut)
  }

  /// Batches that nobody announced, or others than were announced, or twice the same step.
  @Test(arguments: [1, 2])
  func whatComesOtherwiseThanAnnouncedIsRightToo(threads: Int) throws {
    func run(ahead: Bool) throws -> [Float] {
      let source = try Self.source(Settings(threads: threads, ahead: ahead))
      let step = try Self.step(source, on: SoloCollective())
      var random = CounterGenerator(seed: 1, .synthesis)
      for index in 0..<12 {
        func batch(_ step: Int) -> StepBatch {
          let count = 8 + random.index(below: 40)
          return StepBatch(
            step: step, epoch: random.index(below: 3),
            examples: (0..<count).map { _ in random.index(below: 101) }[...], shards: 8)
        }
        let (mine, lost) = (batch(index), batch(index + 1))
        source.anticipate { lost }
        if index % 3 == 1 {
          // A step that fails before anything is committed, and is taken again with another batch.
          #expect(throws: Bad.self) {
            try step.run(lost.moved(to: index), requests: [], failure: Bad())
          }
        }
        if index % 3 == 2 {
          #expect(throws: Bad.self) {
            try step.run(lost.moved(to: index), requests: [], inspect: { throw Bad() })
          }
        }
        _ = try step.run(mine)
      }
      return withExtendedLifetime(source) { Array(source.parameters) }
    }
    #expect(bits(try run(ahead: true)) == bits(try run(ahead: false)))
  }

  @Test(arguments: [false, true], [1, 2])
  func aBadExampleEndsTheStepWithItsNumber(ahead: Bool, threads: Int) throws {
    for ranks in 1...3 {
      let error = #expect(throws: InputError.self) {
        try Self.train(Settings(ranks: ranks, threads: threads, ahead: ahead, bad: 17))
      }
      #expect(error?.example == 17)
      #expect(error?.description.contains("this pixel is broken") == true)
    }
  }

  @Test func whatIsMadeReadyAheadIsHidden() throws {
    let source = try Self.source(Settings(ahead: true))
    let group = SoloCollective()
    let trainer = try Trainer(
      step: try Self.step(source, on: group),
      sampler: try Sampler(count: 101, batchSize: 40, seed: 3), options: TrainerOptions(epochs: 4),
      configuration: [:], on: group)
    let timeline = try Timeline()
    group.page?.timeline = timeline
    source.timeline = timeline
    _ = try trainer.run()
    let breakdown = try Profile(timeline, on: group).breakdown
    #expect(breakdown.steps == 1...12)
    #expect(breakdown.background > 0)
    #expect(breakdown.hidden <= breakdown.background)
    #expect((0...1).contains(breakdown.hiddenShare))
  }
}

extension StepBatch {
  fileprivate func moved(to step: Int) -> StepBatch {
    StepBatch(step: step, epoch: epoch, examples: examples, shards: shards)
  }
}
