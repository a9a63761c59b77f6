import LockstepCollective
import LockstepState
import LockstepFold
import LockstepObservation
import LockstepDatasets
import LockstepFiles
import LockstepTestSupport
import LockstepTraining
import LockstepTrainingTestSupport
import Testing

@Suite struct TrainerTests {
  struct Killed: Error, Equatable {}

  /// What an undisturbed run on one rank leaves.
  struct Reference {
    let result: RegressionRun.Result
    let metrics: [JSONObject]
    let evaluations: [JSONObject]
    let weights: [UInt8]

    init() throws {
      (result, metrics, evaluations, weights) = try withTemporaryDirectory { directory in
        (
          try RegressionRun().run(ranks: 1, directory: directory)[0],
          try lines("\(directory)/metrics.jsonl"), try lines("\(directory)/evaluations.jsonl"),
          try contents("\(directory)/weights.safetensors")
        )
      }
    }

    func expect(_ results: [RegressionRun.Result], in directory: String, _ what: Comment) throws {
      for other in results {
        #expect(other.outcome == result.outcome, what)
        #expect(other.weights == result.weights, what)
        #expect(other.runningMean == result.runningMean, what)
      }
      #expect(try lines("\(directory)/metrics.jsonl") == metrics, what)
      #expect(try lines("\(directory)/evaluations.jsonl") == evaluations, what)
      #expect(try contents("\(directory)/weights.safetensors") == weights, what)
    }
  }

  @Test func anyNumberOfRanksGivesTheSameRun() throws {
    let reference = try Reference()
    #expect(reference.result.outcome.kind == .done)
    #expect(reference.result.outcome.step == RegressionRun.steps)
    #expect(reference.metrics.count == RegressionRun.steps)
    #expect(reference.evaluations.count == 3)
    for ranks in 2...8 {
      try withTemporaryDirectory { directory in
        let results = try RegressionRun().run(ranks: ranks, directory: directory)
        try reference.expect(results, in: directory, "\(ranks) ranks")
        #expect(results.dropFirst().allSatisfy { $0.events.isEmpty }, "only rank 0 speaks")
        #expect(results[0].events.count == reference.result.events.count)
      }
    }
  }

  @Test func trainingLowersTheLoss() throws {
    let losses = try Reference().evaluations.compactMap { line -> Double? in
      if case .number(let loss)? = line["loss"] { return loss }
      return nil
    }
    #expect(losses.count == 3)
    #expect(losses[2] < losses[0])
  }

  @Test func interruptedAndResumedOnOtherRanksIsUndisturbed() throws {
    let reference = try Reference()
    for (stop, before, after) in [(2, 1, 3), (4, 2, 1), (5, 3, 8), (7, 5, 2), (14, 8, 4)] {
      try withTemporaryDirectory { directory in
        var run = RegressionRun()
        // One rank alone is asked; all stop after the same step.
        run.isInterrupted = { rank, step in rank == before - 1 && step == stop }
        let results = try run.run(ranks: before, directory: directory)
        for result in results {
          #expect(result.outcome == Outcome(.interrupted, step: stop))
          #expect(result.outcome.exitCode == 75)
        }
        let resumed = try RegressionRun().run(ranks: after, directory: directory, resume: true)
        try reference.expect(resumed, in: directory, "stop at \(stop), \(before) → \(after) ranks")
        guard case .resumed(let restored)? = resumed[0].events.first else {
          Issue.record("no word of the resumption")
          return
        }
        #expect(restored.step == stop)
      }
    }
  }

  /// Before the first step there is nothing to save: the run ends at once, and starts anew later.
  @Test func aRequestBeforeTheFirstStepEndsWithoutOne() throws {
    let reference = try Reference()
    try withTemporaryDirectory { directory in
      var run = RegressionRun()
      run.isInterrupted = { rank, _ in rank == 1 }
      for result in try run.run(ranks: 3, directory: directory) {
        #expect(result.outcome == Outcome(.interrupted, step: 0))
      }
      #expect(try CheckpointStore("\(directory)/checkpoints").steps().isEmpty)
      let resumed = try RegressionRun().run(ranks: 2, directory: directory, resume: true)
      try reference.expect(resumed, in: directory, "asked before the first step")
    }
  }

  /// Who is asked to stop while an evaluation lasts takes no further step.
  @Test func aRequestDuringAnEvaluationEndsBehindIt() throws {
    let reference = try Reference()
    try withTemporaryDirectory { directory in
      var run = RegressionRun()
      // An epoch has five steps; the request comes when they are done.
      run.isInterrupted = { rank, step in rank == 1 && step == 6 }
      for result in try run.run(ranks: 2, directory: directory) {
        #expect(result.outcome == Outcome(.interrupted, step: 5))
      }
      let resumed = try RegressionRun().run(ranks: 3, directory: directory, resume: true)
      try reference.expect(resumed, in: directory, "asked during an evaluation")
    }
  }

  @Test func killedAndResumedOnOtherRanksIsUndisturbed() throws {
    let reference = try Reference()
    for (kill, before, after) in [(1, 2, 1), (3, 1, 2), (6, 3, 4), (11, 4, 3), (15, 2, 5)] {
      try withTemporaryDirectory { directory in
        var run = RegressionRun()
        run.options.checkpointEverySteps = 2
        run.disturb = { rank, step, _ in
          if rank == before - 1, step == kill { throw Killed() }
        }
        #expect(throws: Killed.self) { try run.run(ranks: before, directory: directory) }
        var again = RegressionRun()
        again.options.checkpointEverySteps = 2
        let resumed = try again.run(ranks: after, directory: directory, resume: true)
        try reference.expect(resumed, in: directory, "killed at \(kill), \(before) → \(after)")
        #expect(
          resumed[0].events.filter { if case .step = $0 { true } else { false } }.count
            // Saved when it was due, or at an epoch's end, which was the best so far.
            == RegressionRun.steps - max((kill - 1) / 2 * 2, (kill - 1) / 5 * 5))
      }
    }
  }

  @Test func aDamagedCheckpointCostsStepsButNotBits() throws {
    let reference = try Reference()
    try withTemporaryDirectory { directory in
      var run = RegressionRun()
      run.options.checkpointEverySteps = 2
      run.isInterrupted = { _, step in step == 9 }
      _ = try run.run(ranks: 2, directory: directory)
      let store = CheckpointStore("\(directory)/checkpoints")
      #expect(try store.steps() == [5, 6, 8, 9] || store.steps() == [6, 8, 9])
      var bytes = try contents(store.path(ofStep: 9))
      bytes[bytes.count / 2] ^= 1
      overwrite(store.path(ofStep: 9), bytes)
      var again = RegressionRun()
      again.options.checkpointEverySteps = 2
      let resumed = try again.run(ranks: 3, directory: directory, resume: true)
      try reference.expect(resumed, in: directory, "damaged")
      guard case .resumed(let restored)? = resumed[0].events.first else {
        Issue.record("no word of the resumption")
        return
      }
      #expect(restored.step == 8)
      #expect(restored.skipped.count == 1)
      #expect(restored.skipped[0].hasPrefix(store.path(ofStep: 9)))
    }
  }

  @Test func resumingWhatIsDoneTakesNoStep() throws {
    let reference = try Reference()
    try withTemporaryDirectory { directory in
      _ = try RegressionRun().run(ranks: 2, directory: directory)
      let again = try RegressionRun().run(ranks: 3, directory: directory, resume: true)
      try reference.expect(again, in: directory, "done")
      #expect(again[0].events.count == 2)
    }
  }

  /// The best evaluation has its checkpoint, however seldom checkpoints are due, and through an
  /// interruption.
  @Test func theBestEvaluationIsSaved() throws {
    var run = RegressionRun()
    run.options.checkpointEverySteps = 1000
    // Better up to the first evaluation, worse from there on.
    run.learningRate = { $0 <= 5 ? 0.05 : -0.05 }
    try withTemporaryDirectory { directory in
      _ = try run.run(ranks: 2, directory: directory)
      let store = CheckpointStore("\(directory)/checkpoints")
      #expect(try store.steps() == [5, 15])
      #expect(try store.bestStep() == 5)
    }
    try withTemporaryDirectory { directory in
      var interrupted = run
      interrupted.isInterrupted = { _, step in step == 7 }
      _ = try interrupted.run(ranks: 3, directory: directory)
      _ = try run.run(ranks: 2, directory: directory, resume: true)
      let store = CheckpointStore("\(directory)/checkpoints")
      #expect(try store.steps() == [5, 7, 15])
      #expect(try store.bestStep() == 5)
    }
    // What is due and what is better than all before are saved, the rest is not.
    try withTemporaryDirectory { directory in
      var due = RegressionRun()
      due.options.checkpointEverySteps = 7
      var saved: [Int] = []
      let results = try due.run(ranks: 1, directory: directory)
      for case .checkpoint(_, let step) in results[0].events { saved.append(step) }
      var best = Double.infinity
      var expected: Set<Int> = [7, 14, 15]
      for case .evaluation(let report, let step, _) in results[0].events where report.loss < best {
        best = report.loss
        expected.insert(step)
      }
      #expect(saved == expected.sorted())
    }
  }

  /// An evaluation that is there only because the run ends is no report.
  @Test func onlyScheduledEvaluationsAreReported() throws {
    for (epochs, steps, reports) in [(3, nil, 1), (2, nil, 1), (4, nil, 2), (3, 13, 1), (3, 10, 1)]
      as [(Int, Int?, Int)]
    {
      let heard = try group(of: 2) { group in
        let evaluation = try Evaluation("test", count: 4, shardSize: 2, metricNames: [], on: group)
        {
          $1.weight += Double($0.count)
          $1.examples += Double($0.count)
        }
        var heard = 0
        evaluation.onReport = { _ in heard += 1 }
        let source = LinearRegression()
        let step = try TrainingStep(
          source: source, update: ClippedSGD(regressionParameters), shards: 4, on: group)
        var options = TrainerOptions(epochs: epochs, steps: steps)
        options.evaluateEveryEpochs = 2
        var evaluations = 0
        _ = try Trainer(
          step: step, sampler: try Sampler(count: 60, batchSize: 14, seed: 5),
          evaluations: [evaluation], options: options, configuration: [:], on: group,
          listener: { if case .evaluation = $0 { evaluations += 1 } }
        ).run()
        if group.isRoot {
          #expect(evaluations == reports + (epochs % 2 == 0 || steps == 10 ? 0 : 1))
        }
        return heard
      }
      #expect(heard == [reports, reports], "\(epochs) epochs, \(steps ?? 0) steps")
    }
  }

  /// Where fewer steps are asked for than are done there is nothing to go on with.
  @Test func checkpointsBeyondTheEndAreRefusedOnAllRanks() throws {
    try withTemporaryDirectory { directory in
      _ = try RegressionRun().run(ranks: 2, directory: directory)
      let before = try contents("\(directory)/outcome.json")
      var shorter = RegressionRun()
      shorter.options.steps = 14
      let short = shorter
      let errors = try group(of: 3) { group -> String in
        let place = try RunDirectory.open(
          directory, resume: true, configuration: short.configuration, on: group)
        do {
          _ = try short.train(on: group, place, true)
          return "trained"
        } catch { return "\(error)" }
      }
      for error in errors {
        #expect(error.contains("has 15 steps behind it, and 'steps' and 'epochs' end the run"))
      }
      #expect(try contents("\(directory)/outcome.json") == before)
    }
  }

  @Test func resumingNothingStartsAtTheBeginning() throws {
    let reference = try Reference()
    try withTemporaryDirectory { directory in
      let results = try RegressionRun().run(
        ranks: 2, directory: "\(directory)/new", resume: true)
      try reference.expect(results, in: "\(directory)/new", "new")
    }
  }

  @Test func anotherConfigurationIsRefusedOnAllRanks() throws {
    try withTemporaryDirectory { directory in
      var run = RegressionRun()
      run.isInterrupted = { _, step in step == 3 }
      _ = try run.run(ranks: 2, directory: directory)
      run.configuration = ["model": "regression", "seed": 6]
      let other = run
      let errors = try group(of: 3) { group -> String in
        do {
          let place = try RunDirectory.open(
            directory, resume: true, configuration: other.configuration, on: group)
          _ = try other.train(on: group, place, true)
          return "no error"
        } catch { return "\(error)" }
      }
      for error in errors { #expect(error.contains("these keys differ: seed")) }
    }
  }

  @Test func ranksThatStartDifferentlyAreMadeEqual() throws {
    let reference = try RegressionRun().run(ranks: 1)[0]
    let results = try group(of: 3) { group -> RegressionRun.Result in
      // The source is made inside; its weights are spoiled on all ranks but 0 before the broadcast.
      var run = RegressionRun()
      run.options.compareEverySteps = 1
      return try run.train(on: SpoiledStart(group), nil, false)
    }
    for result in results { #expect(result.weights == reference.weights) }
  }

  @Test func aReplicaThatDriftsIsNamedWithRankAndTensor() throws {
    let errors = try group(of: 3) { group -> String in
      var run = RegressionRun()
      run.options.compareEverySteps = 4
      run.disturb = { rank, step, source in
        if rank == 1, step == 6 { source.parameters[16] = source.parameters[16].nextUp }
      }
      do {
        _ = try run.train(on: group, nil, false)
        return "no error"
      } catch { return "\(error)" }
    }
    for error in errors {
      #expect(error.contains("parameters/") && error.contains("on rank 1 differs from rank 0"))
    }
  }

  @Test func theOutcomeFileSaysWhatHappened() throws {
    try withTemporaryDirectory { directory in
      var run = RegressionRun()
      run.disturb = { rank, step, _ in if rank == 1, step == 8 { throw Killed() } }
      #expect(throws: Killed.self) { try run.run(ranks: 2, directory: directory) }
      let failed = try JSONValue.read("\(directory)/outcome.json")
      #expect(failed["outcome"] == "failed")
      #expect(failed["step"] == 7)
      #expect(failed["exitCode"] == 1)
      #expect(failed["message"] == "rank 1: Killed()")
      let done = try RegressionRun().run(ranks: 1, directory: directory, resume: true)
      let outcome = try JSONValue.read("\(directory)/outcome.json")
      #expect(outcome["outcome"] == "done")
      #expect(outcome["exitCode"] == 0)
      let fingerprint = try #require(done[0].outcome.fingerprint)
      #expect(outcome["fingerprint"] == .string(fingerprint.description))
      #expect(
        try SafetensorsFile("\(directory)/weights.safetensors").metadata["lockstep.fingerprint"]
          == fingerprint.description)
    }
  }

  @Test func aCheckpointThatCannotBeWrittenEndsTheRunOnAllRanks() throws {
    try withTemporaryDirectory { directory in
      let errors = try group(of: 2) { group -> String in
        do {
          let run = RegressionRun()
          let place = try RunDirectory.open(
            directory, resume: false, configuration: run.configuration, on: group)
          // The directory of the checkpoints turns into a file.
          if group.isRoot {
            removeDirectory("\(directory)/checkpoints")
            try AtomicFile.write("\(directory)/checkpoints", text: "")
          }
          _ = try run.train(on: group, place, false)
          return "no error"
        } catch { return "\(error)" }
      }
      for error in errors { #expect(error.contains("checkpoints") && error.contains("directory")) }
    }
  }

  @Test func whatFailsOnRankZeroAloneEndsAllRanks() throws {
    for (ranks, last) in [(1, 3), (3, 3), (3, RegressionRun.steps)] {
      try withTemporaryDirectory { directory in
        let errors = try group(of: ranks) { group -> String in
          var run = RegressionRun()
          run.listen = {
            if case .step(let report, _, _) = $0, report.step == last { throw Killed() }
          }
          let place = try RunDirectory.open(
            directory, resume: false, configuration: run.configuration, on: group)
          do {
            _ = try run.train(on: group, place, false)
            return "no error"
          } catch { return "\(error)" }
        }
        #expect(errors[0] == "Killed()")
        for error in errors.dropFirst() { #expect(error.contains("Killed()")) }
        let outcome = try JSONValue.read("\(directory)/outcome.json")
        #expect(outcome["outcome"] == "failed")
        #expect(outcome["step"] == .integer(last))
        #expect(outcome["message"] == "Killed()")
      }
    }
  }

  @Test func stepsEndARunInsideAnEpoch() throws {
    try withTemporaryDirectory { directory in
      var run = RegressionRun()
      run.options.steps = 7
      let results = try run.run(ranks: 2, directory: directory)
      #expect(results[0].outcome.step == 7)
      #expect(try lines("\(directory)/metrics.jsonl").count == 7)
      #expect(try lines("\(directory)/evaluations.jsonl").count == 2)
    }
  }
}

/// A group whose ranks spoil what they hold just before rank 0's state is broadcast.
private final class SpoiledStart: ExchangeMaking {
  let inner: any Collective
  init(_ inner: any Collective) { self.inner = inner }
  var rank: Int { inner.rank }
  var size: Int { inner.size }
  func barrier() throws { try inner.barrier() }
  func broadcast(_ bytes: UnsafeMutableRawBufferPointer, root: Int) throws {
    if rank != root { for i in bytes.indices { bytes[i] = 0x5A } }
    try inner.broadcast(bytes, root: root)
  }
  func allgather(
    _ bytes: UnsafeRawBufferPointer, counts: [Int], into result: UnsafeMutableRawBufferPointer
  ) throws { try inner.allgather(bytes, counts: counts, into: result) }
  func makeExchange(
    for plan: FoldPlan, of source: (any GradientSource)?
  ) throws -> any GradientExchange {
    try inner.makeExchange(plan, for: source)
  }
}
