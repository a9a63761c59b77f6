import LockstepCollective
import LockstepDatasets
import LockstepEngine
import LockstepFiles
import LockstepFold
import LockstepLayers
import LockstepObservation
import LockstepOptimization
import LockstepState
import LockstepTraining
import LockstepTrainingTestSupport
import Testing

/// Listeners that act: what they ask for happens on all ranks at the same step.
@Suite struct TrainingControlTests {
  typealias Listener = @Sendable (TrainingEvent, TrainingControl) throws -> Void

  struct Result: Equatable, Sendable {
    var outcome: Outcome
    var rates: [Double] = []
    var checkpoints: [Int] = []
  }

  /// Five steps an epoch, three epochs.
  private static func train(
    ranks: Int, in directory: String? = nil, resume: Bool = false, stopAt: Int? = nil,
    update: Chain = .adam(learningRate: 0.01), every: Int? = nil, _ listener: @escaping Listener
  ) throws -> [Result] {
    try group(of: ranks) { group in
      var options = TrainingOptions()
      options.shards = 4
      options.run.steps = stopAt
      options.run.checkpointEverySteps = every
      let data = try SyntheticData.blobs(count: 70, features: 4, classes: 3, seed: 2)
      let training = try Training(
        Sequential.multilayerPerceptron(sizes: [8, 3]), on: data, loss: SoftmaxCrossEntropy(),
        update: update, batchSize: 14, epochs: 3, options: options, ranks: group)
      var result = Result(outcome: Outcome(.running, step: 0))
      training.listen { event in
        if case .step(let report, _, _) = event { result.rates.append(report.update.learningRate) }
        if case .checkpoint(_, let step) = event { result.checkpoints.append(step) }
      }
      training.listen(listener)
      result.outcome = try training.fit(in: directory, resume: resume)
      return result
    }
  }

  private static func onStep(
    _ wanted: Int, _ act: @escaping @Sendable (TrainingControl) throws -> Void
  ) -> Listener {
    { event, control in
      if case .step(let report, _, _) = event, report.step == wanted { try act(control) }
    }
  }

  @Test("a learning rate is scaled from the next step on, on any number of ranks")
  func scale() throws {
    let listener: Listener = { event, control in
      guard case .step(let report, _, _) = event else { return }
      if report.step == 4 {
        try control.scaleLearningRate(by: 0.5)
        try control.scaleLearningRate(by: 0.3)
      }
      if report.step == 9 { try control.scaleLearningRate(by: 4) }
    }
    let alone = try Self.train(ranks: 1, listener)[0]
    let first = 0.01
    let second = first * (1 * 0.5 * 0.3)
    let third = first * (1 * 0.5 * 0.3 * 4)
    let expected =
      Array(repeating: first, count: 4) + Array(repeating: second, count: 5)
      + Array(repeating: third, count: 6)
    #expect(alone.rates == expected)
    for ranks in [2, 3] {
      let results = try Self.train(ranks: ranks, listener)
      #expect(results[0] == alone)
      #expect(results.allSatisfy { $0.outcome == alone.outcome })
    }
    let undisturbed = try Self.train(ranks: 1) { _, _ in }[0]
    #expect(undisturbed.outcome.fingerprint != alone.outcome.fingerprint)
  }

  @Test("a run resumed after a listener acted has the bits of one that was not interrupted")
  func resumed() throws {
    let scaling = Self.onStep(6) { try $0.scaleLearningRate(by: 0.1) }
    let whole = try Self.train(ranks: 1, scaling)[0]
    // Checkpoints of the step whose event asks, with nothing carried yet, and of later ones.
    for (step, before, after) in [(6, 2, 1), (7, 1, 3), (8, 3, 2), (5, 1, 2)] {
      try withTemporaryDirectory { directory in
        _ = try Self.train(ranks: before, in: directory, stopAt: step, scaling)
        let results = try Self.train(ranks: after, in: directory, resume: true, scaling)
        for result in results { #expect(result.outcome == whole.outcome, "from step \(step)") }
        #expect(results[0].rates == Array(whole.rates[step...]))
      }
    }
  }

  @Test("stopping ends all ranks after the next step, with the weights that it made")
  func stop() throws {
    let expected = try Self.train(ranks: 1, stopAt: 8) { _, _ in }[0].outcome
    for ranks in 1...3 {
      for saves in [true, false] {
        try withTemporaryDirectory { directory in
          let results = try Self.train(
            ranks: ranks, in: directory, Self.onStep(7) { $0.stop(savesCheckpoint: saves) })
          for result in results { #expect(result.outcome == expected) }
          #expect(results[0].checkpoints == (saves ? [5, 8] : [5]))
          let files = try SystemFileSystem().list(directory)
          #expect(files.contains("weights.safetensors"))
        }
      }
    }
  }

  @Test("a run that was stopped goes on where it is resumed")
  func goesOn() throws {
    let whole = try Self.train(ranks: 1) { _, _ in }[0]
    try withTemporaryDirectory { directory in
      _ = try Self.train(ranks: 2, in: directory, Self.onStep(7) { $0.stop() })
      let results = try Self.train(ranks: 1, in: directory, resume: true) { _, _ in }
      #expect(results[0].outcome == whole.outcome)
    }
  }

  @Test("a checkpoint is saved after the next step")
  func save() throws {
    for ranks in 1...3 {
      try withTemporaryDirectory { directory in
        let results = try Self.train(
          ranks: ranks, in: directory, every: 100, Self.onStep(2) { $0.saveCheckpoint() })
        #expect(results[0].checkpoints == [3, 15])
      }
    }
    // Without a directory there is nowhere to save to.
    let results = try Self.train(ranks: 2, Self.onStep(2) { $0.saveCheckpoint() })
    #expect(results[0].outcome.kind == .done && results[0].checkpoints.isEmpty)
  }

  @Test("factors that make no sense, and updates without a learning rate, are refused")
  func refusals() throws {
    for factor in [0, -1, Double.nan, .infinity] {
      let control = TrainingControl()
      #expect(throws: ArgumentError.self) { try control.scaleLearningRate(by: factor) }
    }
    for ranks in [1, 2] {
      #expect(throws: (any Error).self) {
        try Self.train(ranks: ranks, Self.onStep(2) { try $0.scaleLearningRate(by: -1) })
      }
      #expect(throws: StepError.noLearningRate) {
        try Self.train(
          ranks: ranks, update: Chain(ClipByGlobalNorm(0.01)),
          Self.onStep(2) { try $0.scaleLearningRate(by: 0.5) })
      }
    }
  }
}
