import LockstepCollective
import LockstepFiles
import LockstepState
import LockstepTestSupport
import LockstepTraining
import LockstepTrainingTestSupport
import Testing

/// Runs with steps whose gradient or weights are not finite: what is skipped, what is kept.
@Suite struct SkippedStepTests {
  struct Killed: Error {}

  /// Steps 4, 5 and 9 are skipped; the run is interrupted or killed at them and between them.
  @Test func skippedStepsSurviveInterruptions() throws {
    var run = RegressionRun()
    run.nonFinite = .skip(limit: 3)
    run.options.checkpointEverySteps = 2
    run.poison = { step, leaf in
      if [4, 5, 9].contains(step), leaf.shard == 3 { leaf.values[2] = .nan }
    }
    /// The log without the ranks, which are others on other numbers of them.
    func log(_ directory: String) throws -> [JSONObject] {
      try lines("\(directory)/metrics.jsonl").map { line in
        var line = line
        if case .object(var found)? = line["notFinite"] {
          found["rank"] = nil
          found["finding"] = nil
          line["notFinite"] = .object(found)
        }
        return line
      }
    }
    let whole = run
    let (reference, expected) = try withTemporaryDirectory { directory in
      (try whole.run(ranks: 1, directory: directory)[0], try log(directory))
    }
    #expect(reference.outcome.kind == .done && reference.outcome.step == RegressionRun.steps)
    #expect(
      expected.enumerated().filter { $1["skipped"] == true }.map { $0.offset + 1 } == [4, 5, 9])
    #expect(expected[3]["notFinite"]?["tensor"] == "weight")
    #expect(expected[3]["notFinite"]?["index"] == 2 && expected[3]["notFinite"]?["value"] == "NaN")
    #expect(expected[3]["notFinite"]?["shard"] == 3 && expected[3]["learningRate"] == .number(0))
    for (stop, before, after) in [(4, 1, 3), (5, 2, 1), (8, 3, 8)] {
      try withTemporaryDirectory { directory in
        var first = run
        first.disturb = { rank, step, _ in
          if rank == before - 1, step == stop { throw Killed() }
        }
        let killed = first
        #expect(throws: Killed.self) { try killed.run(ranks: before, directory: directory) }
        let resumed = try whole.run(ranks: after, directory: directory, resume: true)
        #expect(resumed.allSatisfy { $0.outcome == reference.outcome })
        #expect(resumed.allSatisfy { $0.weights == reference.weights }, "killed in step \(stop)")
        #expect(resumed.allSatisfy { $0.runningMean == reference.runningMean })
        #expect(try log(directory) == expected)
      }
    }
  }

  /// The update of step 3 would be to blame: its checkpoint is not proven, the one before is.
  @Test func checkpointsOfSkippedStepsDoNotPushHealthyOnesOut() throws {
    try withTemporaryDirectory { directory in
      var run = RegressionRun()
      run.nonFinite = .skip(limit: 6)
      run.options.checkpointEverySteps = 1
      run.poison = { step, leaf in if step > 3, leaf.shard == 1 { leaf.values[0] = .infinity } }
      let sick = run
      let errors = try group(of: 2) { group -> String in
        do {
          let place = try RunDirectory.open(
            directory, resume: false, configuration: sick.configuration, on: group)
          _ = try sick.train(on: group, place, false)
          return "no error"
        } catch { return "\(error)" }
      }
      for error in errors {
        #expect(error.contains("step 9: not finite: weight[0] = inf in shard 1 on rank 0"))
        #expect(error.contains("nonFinite.limit is 6"))
      }
      let outcome = try JSONValue.read("\(directory)/outcome.json")
      #expect(outcome["outcome"] == "failed" && outcome["step"] == 8)
      #expect(outcome["message"] == .string(errors[0]))
      // The last three, the best (it was evaluated at the epoch's end), and the last proven one.
      #expect(try CheckpointStore("\(directory)/checkpoints").steps() == [2, 5, 6, 7, 8])
      // The bad batches cured, the run goes on from the newest.
      var cured = run
      cured.poison = { _, _ in }
      let results = try cured.run(ranks: 3, directory: directory, resume: true)
      #expect(results[0].outcome.kind == .done)
    }
  }

  @Test func weightsThatAreNotFiniteAreNotSaved() throws {
    for directory in [true, false] {
      try withTemporaryDirectory { path in
        var run = RegressionRun()
        run.nonFinite = .skip()
        run.options.checkpointEverySteps = 1
        run.learningRate = { $0 == (directory ? 4 : RegressionRun.steps) ? .infinity : 0.05 }
        let sick = run
        let errors = try group(of: 3) { group -> String in
          do {
            let place =
              directory
              ? try RunDirectory.open(
                path, resume: false, configuration: sick.configuration, on: group) : nil
            _ = try sick.train(on: group, place, false)
            return "no error"
          } catch { return "\(error)" }
        }
        let step = directory ? 4 : RegressionRun.steps
        for error in errors {
          #expect(error.hasPrefix("step \(step): the weight weight[0] is "), "\(error)")
          #expect(error.contains("and is not saved"))
        }
        if directory {
          #expect(try CheckpointStore("\(path)/checkpoints").steps() == [1, 2, 3])
          #expect(try JSONValue.read("\(path)/outcome.json")["outcome"] == "failed")
        }
      }
    }
  }
}
