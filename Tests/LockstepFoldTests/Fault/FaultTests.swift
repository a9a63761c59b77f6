import LockstepFold
import LockstepTraining
import LockstepTrainingTestSupport
import Testing

@Suite struct FaultTests {
  @Test func aFaultIsPointRankCountAndAction() throws {
    let fault = try Fault("checkpointRename:2:3:stop")
    #expect(fault.point == .checkpointRename)
    #expect(fault.rank == 2 && fault.count == 3 && fault.action == .stop)
    #expect(try Fault("fold:0:1").action == .kill)
    for point in Fault.Point.allCases {
      #expect(try Fault("\(point.rawValue):0:1").point == point)
    }
  }

  @Test func aShardIsPoisonedInSomeSteps() throws {
    let fault = try Fault("gradient:3:5-7:inf")
    #expect(fault.point == .gradient && fault.rank == 3 && fault.action == .inf)
    #expect(fault.count == 5 && fault.lastCount == 7)
    let single = try Fault("loss:0:2")
    #expect(single.count == 2 && single.lastCount == 2 && single.action == .nan)
  }

  @Test(arguments: [
    ("", "1 parts"), ("fold", "1 parts"), ("fold:0", "2 parts"), ("fold:0:1:kill:2", "5 parts"),
    ("folds:0:1", "no point 'folds'"), ("fold:-1:1", "no rank '-1'"),
    ("fold:x:1", "no rank 'x'"), ("fold:0:0", "no count '0'"),
    ("step:0:1-2", "no count '1-2'"), ("loss:0:3-2", "no count '3-2'"),
    ("loss:0:1-2-3", "no count '1-2-3'"), ("fold:0:1:nan", "'nan' and 'inf' go with"),
    ("gradient:0:1:kill", "'nan' and 'inf' go with"), ("fold:0:1:dance", "no action 'dance'"),
    ("fold:0:1:flip", "a bit flips at"),
  ])
  func whatCannotBeReadSaysWhatIsWrong(text: String, problem: String) throws {
    let error = #expect(throws: FaultError.self) { try Fault(text) }
    let words = error?.description ?? ""
    #expect(words.hasPrefix("LOCKSTEP_FAULT is '\(text)': ") && words.contains(problem))
    #expect(words.contains("checkpointSynchronize") && words.contains("kill"))
  }
}
