import MPITesting
import Testing

/// Time is made up here: no law depends on the machine's speed.
@Suite struct SupervisionTests {
  @Test func nothingHappensUpToTheDeadline() {
    var supervision = Supervision(deadline: .seconds(10))
    for second in 0...10 {
      #expect(supervision.action(at: .seconds(second), isCancelled: false) == .wait)
    }
    #expect(supervision.reason == nil)
  }

  @Test func aProgramIsAskedOnceThenKilledOnce() {
    var supervision = Supervision(deadline: .seconds(10), grace: .seconds(3))
    let actions = (0..<20).map { supervision.action(at: .seconds($0), isCancelled: false) }
    // After 10 s it is too late; 3 s after it was asked at 11 s there is no grace left.
    #expect(actions.indices.filter { actions[$0] == .ask } == [11])
    #expect(actions.indices.filter { actions[$0] == .kill } == [15])
    #expect(supervision.reason == .timedOut)
  }

  @Test func aCallerEndsItBeforeTheDeadline() {
    var supervision = Supervision(deadline: .seconds(10), grace: .seconds(3))
    #expect(supervision.action(at: .seconds(1), isCancelled: true) == .ask)
    #expect(supervision.reason == .cancelled)
    #expect(supervision.action(at: .seconds(2), isCancelled: true) == .wait)
    #expect(supervision.action(at: .seconds(5), isCancelled: false) == .kill)
    // The reason stays the first one.
    #expect(supervision.action(at: .seconds(50), isCancelled: false) == .wait)
    #expect(supervision.reason == .cancelled)
  }
}
