import LockstepEngine
import LockstepFiles
import LockstepTesting
import LockstepTrainingTestSupport
import Testing

/// What goes wrong is named by rank, step and place, and ends the run.
///
/// Time is told by the watchdog's patience alone: where it must act its deadline is short, and a run that
/// must end by itself has one that is longer than the run may take.
@Suite struct TrainingFaultTests {
  /// A run of three ranks that a fault ends; what it printed, and its outcome file, which there is
  /// once the ranks have agreed on what to do.
  static func broken(
    _ fault: String, _ arguments: [String],
    sourceLocation: SourceLocation = #_sourceLocation
  ) throws -> (text: String, outcome: JSONValue?) {
    try withTemporaryDirectory { directory in
      let path = "\(directory)/run"
      let result = try TrainingRuns.run(
        ["directory=\(path)"] + arguments, ranks: 3, fault: fault)
      #expect(
        !result.succeeded && result.ending != .timedOut, "\(result.transcript)",
        sourceLocation: sourceLocation)
      return (result.output + result.errorOutput, try? JSONValue.read("\(path)/outcome.json"))
    }
  }

  /// How a job may end whose watchdogs end their ranks with 1, and whose launcher kills a rank that is
  /// stopped.
  private static let endings: [ProgramResult.Ending] =
    Launcher.current == .hydra ? [.exited(1), .exited(9)] : [.exited(1)]

  @Test(arguments: [
    ("step:1:4:stop", "messages"), ("fold:1:9:stop", "shared"), ("start:1:1:stop", "shared"),
  ])
  func aStoppedRankIsNamedAfterTheDeadline(fault: String, path: String) throws {
    let (text, outcome) = try Self.broken(fault, ["path=\(path)", "deadline=2"])
    // How much longer than the deadline is the machine's affair, which runs other tests beside.
    for waiting in [0, 2] { #expect(Self.wait(of: waiting, in: text) >= 2, "\(text)") }
    #expect(text.contains("for rank 1 (process "))
    #expect(text.contains("), which is stopped: it is in step "))
    let document = try #require(outcome)
    #expect(document["outcome"] == "failed")
    guard case .string(let message)? = document["message"] else {
      Issue.record("no message")
      return
    }
    #expect(message.hasPrefix("rank 0 has waited ") && Self.wait(of: 0, in: message) >= 2)
  }

  /// How long a rank says that it has waited; less than nothing where it does not say.
  private static func wait(of rank: Int, in text: String) -> Double {
    let waits = text.matches(of: #/rank (\d+) has waited (\d+\.\d) s in step /#)
    return waits.first { $0.1 == "\(rank)" }.flatMap { Double($0.2) } ?? -1
  }

  /// What ranks wait for while they make windows, communicators and messages is seen, too.
  @Test(arguments: ["path=shared", "path=messages", "nodes=2"])
  func aRankStoppedBeforeAnExchangeIsNamed(way: String) throws {
    let result = try TrainingRuns.run(
      [way, "deadline=2"], ranks: 3, fault: "exchange:1:1:stop")
    #expect(Self.endings.contains(result.ending), "\(result.transcript)")
    #expect(result.errorOutput.contains(" for rank 1 "), "\(result.errorOutput)")
  }

  /// The run is over, and the job does not wait for good for a rank that is stopped on its way out.
  @Test func aRankStoppedBehindTheEndIsNamed() throws {
    let (text, outcome) = try Self.broken("finalized:1:1:stop", ["deadline=2"])
    #expect(text.contains(", which is stopped behind MPI_Finalize, is not"), "\(text)")
    #expect(outcome?["outcome"] == "done")
  }

  /// Where nobody shares memory with the stopped rank, it is named still, if not described.
  @Test func aStoppedRankOfAnotherNodeIsNamed() throws {
    let result = try TrainingRuns.run(
      ["nodes=2", "deadline=2"], ranks: 2, fault: "step:1:3:stop")
    #expect(Self.endings.contains(result.ending), "\(result.transcript)")
    #expect(
      result.errorOutput.contains(
        #/ s in step 3 \(computing\) for rank 1 on host [^ ]+, about which nothing is known on this node/#
      ), "\(result.errorOutput)")
  }

  /// A rank that may be stopped where nobody sees it is not waited for to the deadline.
  @Test func askedToStopWhileAnotherNodeIsSilentARankEndsResumable() throws {
    let (text, outcome) = try Self.broken(
      "step:1:4:stop", ["nodes=3", "terminateAfter=2"])
    #expect(text.contains("about which nothing is known on this node"), "\(text)")
    #expect(outcome?["outcome"] == "interrupted")
    #expect(outcome?["exitCode"] == 75)
  }

  @Test(arguments: ["update:2:3:hang"])
  func aRankThatComesNoMoreIsNamed(fault: String) throws {
    let rank = fault.split(separator: ":")[1]
    let (text, _) = try Self.broken(fault, ["deadline=2", "update=sharded"])
    #expect(text.contains("for rank \(rank) (process "), "\(text)")
    #expect(text.contains("), which runs: it is in step "))
  }

  /// Hydra takes a rank that returns 0 for one that is done.
  private static let earlyEnds =
    (Launcher.current == .hydra ? [] : ["start:1:1:exit"])
    + ["fold:1:3:kill", "fold:0:3:kill", "checkpointWrite:0:5:kill", "end:2:1:kill"]

  @Test(arguments: earlyEnds)
  func aRankThatEndsEarlyIsNamedAtOnce(fault: String) throws {
    let rank = fault.split(separator: ":")[1]
    let (text, outcome) = try Self.broken(fault, ["checkpoint=1"])
    guard Launcher.current != .hydra else {
      // Nobody else lives to say it.
      #expect(text.contains("BAD TERMINATION OF ONE OF YOUR APPLICATION PROCESSES"), "\(text)")
      #expect(!text.contains("fingerprint "))
      return
    }
    #expect(text.contains("for rank \(rank) (process "), "\(text)")
    #expect(text.contains("), which has ended: it was in step "))
    // Where rank 0 has ended, another one writes in its place.
    if fault != "start:1:1:exit" { #expect(outcome?["outcome"] == "failed") }
  }

  /// Files that are never written, and a rank that stops there, have deadlines too.
  @Test(arguments: [
    ("checkpointWrite:0:2:hang", 0), ("checkpointWrite:0:2:stop", 0),
    ("checkpointRename:0:2:stop", 0),
    ("end:1:1:stop", 1), ("end:0:1:hang", 0),
  ])
  func aRankThatHangsAroundStepsIsNamed(fault: String, rank: Int) throws {
    let (text, outcome) = try Self.broken(
      fault, ["checkpoint=1", "deadline=2", "longDeadline=4"])
    #expect(text.contains("for rank \(rank) (process "), "\(text)")
    // The launcher's SIGTERM, which wakes a rank 0 that was stopped, is nobody's request.
    #expect(outcome?["outcome"] == "failed", "\(text)\(String(describing: outcome))")
    #expect(outcome?["exitCode"] == 1)
  }

  /// A program without a watchdog of its own has one; a rank that returns early is named.
  @Test func aRankThatReturnsEarlyIsNamed() throws {
    let result = try TrainingRuns.run(
      ["leaveEarly=1"], ranks: 3, fault: "")
    #expect(!result.succeeded && result.ending != .timedOut, "\(result.transcript)")
    #expect(
      result.errorOutput.contains(
        #/for rank 1 \(process \d+\), which (has finished its part and comes no more|has ended)/#),
      "\(result.transcript)")
  }

  /// Nobody waits for the deadline of a wait that cannot end, once they are asked to stop.
  @Test func askedToStopWhileAPeerIsStoppedARankEndsResumable() throws {
    let (text, outcome) = try Self.broken(
      "step:1:4:stop", ["terminateAfter=2"])
    #expect(text.contains("which is stopped: it is in step 4"), "\(text)")
    #expect(outcome?["outcome"] == "interrupted")
    #expect(outcome?["exitCode"] == 75)
  }

  @Test func evaluationsAndCheckpointsTakeTheirTime() throws {
    let result = try TrainingRuns.run(
      ["deadline=2", "slowEvaluation=3", "epochs=1"], ranks: 2)
    #expect(result.succeeded, "\(result.transcript)")
    #expect(result.seconds > 3)
  }

  @Test func anErrorOnOneRankIsEverybodys() throws {
    let (text, outcome) = try Self.broken("step:1:4:throw", ["checkpoint=1"])
    #expect(text.contains("rank 1: the fault that LOCKSTEP_FAULT asks for, at step"))
    #expect(outcome?["outcome"] == "failed")
    #expect(outcome?["step"] == 3)
  }

  /// What the others have sent already does not keep anybody.
  @Test(arguments: ["step:1:4:throw", "fold:1:3:throw"])
  func anErrorBesideMessagesUnderWayEndsTheRun(fault: String) throws {
    let (text, _) = try Self.broken(
      fault, ["model=convolutional", "batch=48", "path=messages", "bucket=1"])
    #expect(Self.isNamed(fault, in: text), "\(text)")
  }

  /// Nor does what ranks of one node have announced to each other: rank 0 is alone on its node, ranks
  /// 1 and 2 share one.
  @Test(arguments: ["step:0:4:throw", "step:2:4:throw", "fold:1:3:throw", "fold:2:3:throw"])
  func anErrorBesideBucketsOfANodeEndsTheRun(fault: String) throws {
    let (text, _) = try Self.broken(
      fault,
      [
        "model=convolutional", "batch=48", "nodes=2", "bucket=1", "update=replicated",
      ])
    #expect(Self.isNamed(fault, in: text), "\(text)")
  }

  /// Nor do factors.
  @Test(
    arguments: ["step:1:4:throw", "fold:0:3:throw", "fold:2:3:throw"],
    ["path=messages", "path=shared", "nodes=2"])
  func anErrorBesideFactorsUnderWayEndsTheRun(fault: String, way: String) throws {
    for update in ["replicated", "sharded"] {
      let (text, _) = try Self.broken(
        fault, ["model=deep", "batch=16", way, "update=\(update)"])
      #expect(Self.isNamed(fault, in: text), "\(text)")
    }
  }

  /// Whether a rank's error is told: by itself, or by one that met it in a fold and ended the job first. Where ranks
  /// of a node are not neighbours, MPI numbers them in another order.
  private static func isNamed(_ fault: String, in text: String) -> Bool {
    let words = fault.split(separator: ":")
    return text.contains(": the fault that LOCKSTEP_FAULT asks for, at \(words[0])")
      || text.contains("rank \(words[1]) failed while gradients were folded")
  }

  /// Whoever waits for the factors of a rank that has stopped names it.
  @Test(
    arguments: [
      ("step:2:4:stop", "path=messages"), ("step:2:4:stop", "nodes=2"),
      ("step:2:4:stop", "path=shared"), ("fold:2:3:stop", "path=shared"),
    ])
  func aRankWhoseFactorsDoNotComeIsNamed(fault: String, way: String) throws {
    let (text, _) = try Self.broken(
      fault, ["model=deep", "batch=16", way, "update=replicated", "deadline=2"])
    // One that only sees that another has given up says for whom it waits itself.
    let forms = ["for rank 2 (process ", "for rank 2 on host", "waits for rank 2 in step"]
    #expect(forms.contains { text.contains($0) }, "\(text)")
  }

  /// While a rank pauses the others make what it would have made, with the same bits.
  @Test(arguments: ["replicated", "sharded"])
  func anotherMakesWhatASlowRankWouldHave(update: String) throws {
    guard InstructionSet.detected.multipliesAndAddsAtOnce else { return }
    let arguments = ["model=deep", "batch=16", "path=shared", "update=\(update)"]
    let alone = try TrainingRuns.run(arguments, ranks: 1)
    let slow = try TrainingRuns.run(
      arguments, ranks: 2, fault: "fold:1:1:pause")
    #expect(slow.succeeded, "\(slow.transcript)")
    #expect(TrainingRuns.fingerprints(slow) == TrainingRuns.fingerprints(alone))
    #expect(slow.transcript.contains("fault at fold: pause"))
    let taken = slow.lines.compactMap { line in
      line.hasPrefix("pieces taken ") ? Int(line.dropFirst(13)) : nil
    }
    #expect(taken.count == 1 && taken.allSatisfy { $0 > 0 }, "\(slow.transcript)")
  }

  /// A delegate that waits for its node's other rank, and whoever waits for a bucket of that node,
  /// names whom it waits for.
  @Test func aRankThatHoldsUpItsNodesBucketsIsNamed() throws {
    let (text, _) = try Self.broken(
      "step:2:4:stop",
      ["model=convolutional", "batch=48", "nodes=2", "bucket=1", "deadline=2"])
    #expect(text.contains("for rank 2 (process ") || text.contains("for rank 2 on host"), "\(text)")
  }

  @Test(arguments: [("step:1:4:flip", "replicated"), ("update:1:4:flip", "sharded")])
  func aFlippedBitIsNamedWithRankParameterAndStep(fault: String, update: String) throws {
    let (text, _) = try Self.broken(fault, ["compare=1", "update=\(update)"])
    #expect(text.contains("step 4: parameters/b on rank 1 differs from rank 0"), "\(text)")
  }

  @Test func aCheckpointThatCannotBeWrittenIsNamed() throws {
    let (text, outcome) = try Self.broken(
      "checkpointRename:0:2:throw", ["checkpoint=1", "update=sharded"])
    #expect(text.contains("/checkpoints/.step-000000002.safetensors"), "\(text)")
    #expect(outcome?["outcome"] == "failed")
  }

  @Test(arguments: ["oddData=2", "oddConfiguration=1"])
  func ranksThatWereStartedDifferentlyAreNamed(argument: String) throws {
    let (text, _) = try Self.broken("", [argument])
    let expected =
      argument == "oddData=2" ? "the data on rank 2 differs" : "the configuration on rank 1 differs"
    #expect(text.contains(expected), "\(text)")
  }

  /// A rank whose library would choose other implementations.
  @Test func anotherInstructionSetIsNamedOrMadeCommon() throws {
    let model = ["model=convolutional", "oddLibrary=1"]
    let (named, _) = try Self.broken("", model + ["disagree=1"])
    #expect(named.contains("oneDNN's instruction set on rank 1 differs"), "\(named)")
    // The probe finds it even where nobody compares names.
    let (probed, _) = try Self.broken("", model + ["disagree=1", "bare=1"])
    #expect(probed.contains("the implementations for "), "\(probed)")
    #expect(probed.contains(" on rank 1 differs"), "\(probed)")
    let common = try TrainingRuns.run(model, ranks: 3)
    #expect(common.succeeded, "\(common.transcript)")
  }

  @Test func aFaultThatCannotBeReadSaysSo() throws {
    let (text, _) = try Self.broken("nowhere:1:1", [])
    #expect(text.contains("LOCKSTEP_FAULT is 'nowhere:1:1': no point 'nowhere'"))
  }

  /// Killed at every place, resumed on another number of ranks: the same bits.
  @Test(arguments: [
    ("step:2:4", 3, 1), ("fold:0:5", 2, 5), ("update:1:5", 4, 2),
    ("checkpointWrite:0:9", 3, 2), ("checkpointRename:0:4", 1, 3), ("checkpointRemove:0:1", 2, 8),
  ])
  func killedAndResumedOnOtherRanksIsUndisturbed(fault: String, before: Int, after: Int) throws {
    let expected = try TrainingRuns.wide.get()["adam"]
    try withTemporaryDirectory { directory in
      let arguments = ["directory=\(directory)/run", "checkpoint=1", "resume=1"]
      let killed = try TrainingRuns.run(
        arguments + ["update=\(before % 2 == 0 ? "sharded" : "replicated")"], ranks: before,
        fault: fault)
      #expect(killed.output.isEmpty || !killed.succeeded)
      #expect(TrainingRuns.fingerprints(killed).isEmpty, "\(killed.transcript)")
      #expect(killed.errorOutput.contains("fault at \(fault.split(separator: ":")[0]): kill"))
      let resumed = try TrainingRuns.run(
        arguments + ["update=\(after % 2 == 0 ? "sharded" : "replicated")"], ranks: after)
      #expect(
        TrainingRuns.fingerprints(resumed)["adam"] == expected,
        "\(killed.transcript)\(resumed.transcript)")
    }
  }

  // MARK: Shards that see each other

  @Test func aRankThatStopsInTheMiddleOfAPassIsNamed() throws {
    let (text, _) = try Self.broken("meeting:1:6:stop", ["model=synchronized", "deadline=2"])
    #expect(text.contains("for rank 1 (process "), "\(text)")
    #expect(text.contains("), which is stopped: it is in step 2, computing"), "\(text)")
  }

  @Test func anErrorInTheMiddleOfAPassIsEverybodys() throws {
    let (text, outcome) = try Self.broken(
      "meeting:1:10:throw", ["model=synchronized", "checkpoint=1"])
    #expect(text.contains("rank 1: the fault that LOCKSTEP_FAULT asks for, at meeting"), "\(text)")
    #expect(outcome?["outcome"] == "failed")
    #expect(outcome?["step"] == 2)
  }

  @Test(arguments: [("meeting:2:9", 3, 1), ("meeting:0:18", 2, 5), ("step:1:4", 4, 3)])
  func statisticsOfTheWholeBatchSurviveAKill(fault: String, before: Int, after: Int) throws {
    let expected = try TrainingRuns.synchronized.get()["adam"]
    try withTemporaryDirectory { directory in
      let arguments = [
        "directory=\(directory)/run", "checkpoint=1", "resume=1", "model=synchronized",
      ]
      let killed = try TrainingRuns.run(arguments, ranks: before, fault: fault)
      #expect(killed.errorOutput.contains("fault at \(fault.split(separator: ":")[0]): kill"))
      #expect(TrainingRuns.fingerprints(killed).isEmpty, "\(killed.transcript)")
      let resumed = try TrainingRuns.run(arguments + ["update=sharded"], ranks: after)
      #expect(
        TrainingRuns.fingerprints(resumed)["adam"] == expected,
        "\(killed.transcript)\(resumed.transcript)")
    }
  }
}
