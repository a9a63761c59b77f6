import LockstepPlatform
import LockstepObservation
import LockstepTraining
import LockstepTrainingTestSupport
import Testing

/// The watchdog's judgement, with a clock and processes that a test sets.
@Suite struct WatchTests {
  /// Three ranks of a node, seen by the first one.
  final class Node {
    let ranks = 3
    let watch: Watch
    let mine: RankStatus
    let others: [RankStatus]
    var isInterrupted: Bool {
      get { world.isInterrupted }
      set { world.isInterrupted = newValue }
    }
    private let world: World
    private let page: StatusPage

    final class World {
      var now = SystemClock.now
      var isInterrupted = false
      /// By rank; all ranks of a test are one process, so that a state stands for the rank asked about.
      var states: [ProcessState] = [.running, .running, .running]
      var asked = 0
    }

    init(elsewhere: Int = 0) {
      let ranks = 3
      let memory = UnsafeMutableRawPointer.allocate(
        byteCount: ranks * RankStatus.byteCount, alignment: 64)
      memory.initializeMemory(as: UInt8.self, repeating: 0, count: ranks * RankStatus.byteCount)
      let cells = (0..<ranks).map { memory + $0 * RankStatus.byteCount }
      let page = StatusPage(
        cells, ranks: Array(0..<ranks), rank: 0, of: ranks + elsewhere, owner: nil)
      let world = World()
      self.page = page
      self.world = world
      mine = page.own
      others = cells[1...].map { RankStatus(at: $0) }
      for other in others { other.appear() }
      // The peers are looked up in order, rank 1 first.
      watch = Watch(
        page, interval: 0.1, isInterrupted: { world.isInterrupted }, clock: { world.now },
        stateOf: { _ in
          world.asked += 1
          return world.states[(world.asked - 1) % 2 + 1]
        })
    }

    func set(_ rank: Int, _ state: ProcessState) { world.states[rank] = state }

    /// Looks every tenth of a second for some time; the first verdict.
    func look(for seconds: Double, _ patience: Watchdog.Patience) -> Watchdog.Verdict? {
      for _ in 0..<Int(seconds * 10) {
        world.now += 100_000_000
        if let verdict = watch.look(patience) { return verdict }
      }
      return nil
    }

    /// Time in which nobody looks.
    func sleep(_ seconds: Double) { world.now += UInt64(seconds * 1e9) }
  }

  static let patience = Watchdog.Patience(deadline: 10, longDeadline: 100)

  @Test func timeInWhichTheWatchdogSleptDoesNotCount() throws {
    let node = Node()
    node.mine.enter(.computing, step: 3)
    node.mine.beginWait()
    #expect(node.look(for: 8, Self.patience) == nil)
    node.sleep(3600)
    // It begins anew.
    #expect(node.look(for: 9, Self.patience) == nil)
    let verdict = try #require(node.look(for: 3, Self.patience))
    #expect(verdict.message.contains("rank 0 has waited 10."))
    #expect(verdict.message.contains("for rank 1 (process "))
  }

  /// Waits in turn, each shorter than the deadline, do not add up, asked to stop or not.
  @Test(arguments: [false, true])
  func nobodyIsEndedForWaitingInTurn(isInterrupted: Bool) {
    let node = Node()
    node.isInterrupted = isInterrupted
    for step in 1...20 {
      node.mine.enter(.folding, step: step)
      node.mine.beginWait()
      #expect(node.look(for: 9, Self.patience) == nil, "step \(step)")
      node.mine.endWait()
    }
  }

  @Test(arguments: [1, 2])
  func aRankThatIsStoppedInsideTheSameMeetingIsNamed(victim: Int) throws {
    let node = Node()
    node.mine.enter(.folding, step: 2)
    for status in [node.mine] + node.others { status.beginWait() }
    node.set(victim, .stopped)
    let verdict = try #require(node.look(for: 11, Self.patience))
    #expect(verdict.message.contains("for rank \(victim) (process "), "\(verdict.message)")
    #expect(verdict.message.contains("), which is stopped: it is in step"))
    #expect(!verdict.message.contains("rank \(3 - victim) (process"))
    #expect(!verdict.isInterruption)
  }

  @Test(arguments: [RankStatus.Phase.computing, .evaluating, .checkpointing, .ending, .starting])
  func aRankThatHasEndedInsideTheSameMeetingIsNamedAtOnce(phase: RankStatus.Phase) throws {
    let node = Node()
    node.mine.enter(phase, step: 2)
    for status in [node.mine] + node.others { status.beginWait() }
    node.set(2, .ended)
    let verdict = try #require(node.look(for: 1, Self.patience))
    #expect(verdict.message.contains("for rank 2 (process "), "\(verdict.message)")
    #expect(verdict.message.contains("), which has ended"))
  }

  @Test func nobodyIsAnEmptyList() throws {
    let node = Node()
    node.mine.enter(.folding, step: 2)
    for status in [node.mine] + node.others { status.beginWait() }
    let verdict = try #require(node.look(for: 11, Self.patience))
    #expect(verdict.message.contains("for rank 1 (process "), "\(verdict.message)")
    #expect(verdict.message.contains("for rank 2 (process "))
    let alone = Node(elsewhere: 1)
    alone.mine.enter(.folding, step: 2)
    for status in [alone.mine] + alone.others { status.beginWait() }
    let other = try #require(alone.look(for: 11, Self.patience))
    #expect(other.message.contains("for rank 3, about which nothing is known"), "\(other.message)")
  }

  @Test func whatIsAroundStepsHasALongerDeadline() throws {
    for phase in RankStatus.Phase.allCases {
      let isInStep = [.computing, .folding, .updating, .comparing].contains(phase)
      let node = Node()
      node.mine.enter(phase, step: 2)
      node.mine.beginWait()
      #expect((node.look(for: 90, Self.patience) != nil) == isInStep, "\(phase)")
      if !isInStep { #expect(node.look(for: 20, Self.patience) != nil, "\(phase)") }
    }
  }

  @Test func aRankThatIsStoppedHasTheShortDeadlineEverywhere() throws {
    let node = Node()
    node.mine.enter(.checkpointing, step: 2)
    node.mine.beginWait()
    node.set(1, .stopped)
    let verdict = try #require(node.look(for: 11, Self.patience))
    #expect(verdict.message.contains("rank 1 (process "))
  }

  @Test func aRequestBesideAFailureIsAFailure() throws {
    let node = Node()
    node.mine.enter(.checkpointing, step: 2)
    node.isInterrupted = true
    node.set(1, .ended)
    // It is busy, and the launcher has asked it to stop because a rank has ended.
    let verdict = try #require(node.look(for: 0.2, Self.patience))
    #expect(!verdict.isInterruption)
    #expect(verdict.outcome.kind == .failed && verdict.outcome.exitCode == 1)
    #expect(verdict.message.contains("rank 1 (process "))
  }

  @Test func aRequestWhileARankIsStoppedIsAnInterruption() throws {
    let node = Node()
    node.mine.enter(.computing, step: 2)
    node.mine.beginWait()
    node.isInterrupted = true
    node.set(1, .stopped)
    let verdict = try #require(node.look(for: 2, Self.patience))
    #expect(verdict.outcome.kind == .interrupted && verdict.outcome.exitCode == 75)
  }

  @Test func aRankThatFinishesEarlyIsNamedByWhoWaitsForIt() throws {
    let node = Node()
    node.mine.enter(.computing, step: 1)
    // All have been to the first meeting.
    for status in [node.mine] + node.others {
      status.beginWait()
      status.endWait()
    }
    node.others[0].finish()
    // Nobody misses it before there is another one.
    #expect(node.look(for: 50, Self.patience) == nil)
    node.mine.beginWait()
    let verdict = try #require(node.look(for: 1, Self.patience))
    #expect(verdict.message.contains("for rank 1 (process "), "\(verdict.message)")
    #expect(verdict.message.contains("has finished its part and comes no more"))
  }

  @Test func whoeverIsBusyWhileOthersGiveUpSaysSo() throws {
    let node = Node()
    node.mine.enter(.checkpointing, step: 4)
    node.others[1].speak()
    let verdict = try #require(node.look(for: 2, Self.patience))
    #expect(verdict.message.contains("rank 2 has given this job up"), "\(verdict.message)")
    #expect(verdict.outcome.kind == .failed)
  }
}
