import MPITesting
import Synchronization
import Testing

@Suite struct JobQueueTests {
  /// What jobs of several widths take at once.
  private final class Load: Sendable {
    let now = Mutex((used: 0, most: 0))

    func hold(_ width: Int) {
      now.withLock {
        $0.used += width
        $0.most = max($0.most, $0.used)
      }
      now.withLock { $0.used -= width }
    }
  }

  @Test(arguments: [1, 2, 3])
  func jobsNeverTakeMoreThanThereIs(count: Int) async {
    let queue = JobQueue(count: count)
    let load = Load()
    await withTaskGroup(of: Void.self) { group in
      for job in 0..<40 {
        group.addTask { queue.use(job % 5) { load.hold(min(max(job % 5, 1), count)) } }
      }
    }
    let (used, most) = load.now.withLock { $0 }
    #expect(used == 0 && most >= 1 && most <= count)
  }

  @Test func whatFailsGivesItsProcessorsBack() {
    struct Failure: Error {}
    let queue = JobQueue(count: 2)
    for _ in 0..<3 {
      #expect(throws: Failure.self) { try queue.use(2) { throw Failure() } }
    }
    #expect(queue.use(7) { "all" } == "all")
  }
}
