import LockstepCollective
import LockstepDatasets
import LockstepEngine
import LockstepFiles
import LockstepFold
import LockstepLayers
import LockstepOptimization
import LockstepState
import LockstepTraining
import LockstepTrainingTestSupport
import Testing

/// Truncated back-propagation through time, with states that streams carry from step to step.
@Suite struct CarriedStatesTests {
  @Test(
    "any number of ranks and threads gives the same bits, whoever updates what",
    arguments: ["lstm", "gru", "rnn"])
  func ranks(_ cell: String) throws {
    var task = CarriedTask()
    task.cell = cell
    let alone = try task.run(on: SoloCollective())
    #expect(alone.losses.count == 10 && alone.evaluated.count == 2)
    #expect(alone.losses.allSatisfy { $0.isFinite })
    for ranks in 1...4 {
      for threads in 1...2 {
        for isSharded in [false, true] {
          var task = task
          task.threads = threads
          task.isSharded = isSharded
          let several = task
          let results = try group(of: ranks) { try several.run(on: $0) }
          #expect(results[0] == alone, "\(ranks) ranks, \(threads) threads, sharded: \(isSharded)")
          #expect(results.allSatisfy { $0.fingerprint == alone.fingerprint })
        }
      }
    }
  }

  @Test("micro-batches cut rows, and each row goes on with its own state")
  func microBatches() throws {
    var task = CarriedTask()
    task.dropout = 0
    let whole = try task.run(on: SoloCollective())
    task.microBatches = 2
    let parts = try task.run(on: SoloCollective())
    for (part, all) in zip(parts.losses, whole.losses) { #expect(abs(part - all) < 1e-5 * all) }
    let cut = task
    for result in try group(of: 3, { try cut.run(on: $0) }) {
      #expect(result.fingerprint == parts.fingerprint)
    }
  }

  @Test("the first window of an epoch is that of a model that carries nothing; the next one is not")
  func firstWindow() throws {
    var task = CarriedTask()
    let carried = try task.run(on: SoloCollective())
    task.carries = false
    let plain = try task.run(on: SoloCollective())
    #expect(carried.losses[0] == plain.losses[0])
    #expect(carried.losses[1] != plain.losses[1])
    #expect(carried.evaluated != plain.evaluated)
    // With a learning rate of nothing each epoch starts from zeros again.
    task.carries = true
    task.dropout = 0
    task.epochs = 3
    let still = try task.training(update: .sgd(learningRate: 0))
    var losses: [Double] = []
    still.listen { if case .step(let report, _, _) = $0 { losses.append(report.loss) } }
    try still.fit()
    #expect(
      Array(losses[5..<10]) == Array(losses[..<5]) && losses[10...].elementsEqual(losses[..<5]))
    #expect(Set(losses[..<5]).count == 5)
  }

  @Test("an update of nothing computes what one window over the whole stream does")
  func wholeStream() throws {
    var task = CarriedTask()
    task.dropout = 0
    task.epochs = 1
    func losses(_ task: CarriedTask) throws -> [Double] {
      let training = try task.training(update: .sgd(learningRate: 0))
      var losses: [Double] = []
      training.listen { if case .step(let report, _, _) = $0 { losses.append(report.loss) } }
      try training.fit()
      return losses
    }
    for cell in ["lstm", "gru", "rnn"] {
      task.cell = cell
      (task.windows, task.length) = (1, 12)
      let long = try losses(task)
      for length in [6, 4, 1] {
        (task.windows, task.length) = (12 / length, length)
        let parts = try losses(task)
        let mean = parts.reduce(0, +) / Double(parts.count)
        #expect(abs(mean - long[0]) < 1e-6 * long[0], "\(cell), windows of \(length)")
      }
    }
  }

  @Test("a run goes on inside an epoch with another number of ranks, threads and updates")
  func resume() throws {
    let task = CarriedTask()
    let whole = try task.run(on: SoloCollective())
    for (before, after, stop) in [(1, 3, 3), (3, 2, 7), (4, 1, 2), (2, 4, 5)] {
      try withTemporaryDirectory { directory in
        var first = task
        first.steps = stop
        let stopping = first
        _ = try group(of: before) { try stopping.run(on: $0, directory) }
        var second = task
        second.isSharded = before % 2 == 0
        second.threads = 1 + after % 2
        let going = second
        let results = try group(of: after) { try going.run(on: $0, directory, resume: true) }
        #expect(results[0].losses.elementsEqual(whole.losses[stop...]), "\(before) → \(after)")
        for result in results {
          #expect(result.fingerprint == whole.fingerprint, "\(before) → \(after) after \(stop)")
        }
      }
    }
  }

  @Test("a checkpoint has each state of all streams, and weights have none")
  func checkpoint() throws {
    let task = CarriedTask()
    try withTemporaryDirectory { directory in
      _ = try group(of: 3) { try task.run(on: $0, directory) }
      let file = try SafetensorsFile("\(directory)/checkpoints/step-000000004.safetensors")
      let names = ["core.hidden.0", "core.cell.0"]
      for name in names {
        #expect(file.tensor("carried/\(name)")?.shape == [8, 2, 6])
      }
      #expect(file.tensor("carried.epoch")?.shape == [1])
      let weights = try SafetensorsFile("\(directory)/weights.safetensors")
      #expect(!weights.tensors.contains { $0.name.contains("hidden") })
    }
  }

  @Test("a step that is skipped leaves the states as they were")
  func skipped() throws {
    let task = CarriedTask()
    _ = try group(of: 2) { ranks in
      var options = task.options
      options.nonFinite = .skip(limit: 3)
      let training = try task.training(options: options, ranks: ranks)
      var completed = 0
      func step() throws -> StepReport {
        let batch = StepBatch(
          step: completed, epoch: training.sampler.epoch, examples: try training.sampler.batch(),
          shards: task.shards)
        completed += 1
        defer { training.sampler.advance() }
        return try training.step.run(batch, requests: [], failure: nil) {}
      }
      func spoiled() throws -> StepReport {
        let parameters = training.source.parameters
        let value = parameters[0]
        parameters[0] = .nan
        defer { parameters[0] = value }
        return try step()
      }
      // The embedding's first row: all tokens occur.
      #expect(try spoiled().skipped != nil)
      #expect(training.carriedStates().values.allSatisfy { $0.allSatisfy { $0 == 0 } })
      #expect(try step().skipped == nil)
      let states = training.carriedStates()
      #expect(states.count == 2 && states.values.allSatisfy { $0.contains { $0 != 0 } })
      #expect(try spoiled().skipped != nil)
      #expect(training.carriedStates() == states)
      #expect(try step().skipped == nil)
      #expect(training.carriedStates() != states)
    }
  }

  @Test("an epoch whose first step is skipped starts from zeros, not from the last epoch's end")
  func skippedStart() throws {
    var task = CarriedTask()
    task.dropout = 0
    var options = task.options
    options.nonFinite = .skip(limit: 3)
    func losses(spoiling spoiled: Int?) throws -> [Double] {
      let training = try task.training(update: .sgd(learningRate: 0), options: options)
      return try (0..<7).map { index in
        let parameters = training.source.parameters
        let value = parameters[0]
        if index == spoiled { parameters[0] = .nan }
        let batch = StepBatch(
          step: index, epoch: training.sampler.epoch, examples: try training.sampler.batch(),
          shards: task.shards)
        training.sampler.advance()
        let report = try training.step.run(batch, requests: [], failure: nil) {}
        parameters[0] = value
        return report.loss
      }
    }
    let skipping = try losses(spoiling: 5)
    let all = try losses(spoiling: nil)
    #expect(skipping[..<5] == all[..<5])
    #expect(all[5] == all[0] && all[6] == all[1])
    // Window 1 from zeros.
    task.carries = false
    let plain = try losses(spoiling: nil)
    #expect(skipping[6] == plain[6] && skipping[6] != all[6])
  }
}
