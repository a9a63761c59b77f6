import LockstepPlatform

/// Hands the machine's processors out to jobs, in the order in which they ask.
///
/// Tests run side by side. Jobs that together have more processes than there are processors would only
/// slow each other down and let deadlines pass, so they wait for each other.
package final class JobQueue: Sendable {
  private struct State {
    var free: Int
    /// Who waits, the first one first.
    var queue: [Int] = []
    var tickets = 0
  }
  private let count: Int
  private let state: Monitor<State>

  /// Those of this machine.
  package static let machine = JobQueue(count: sysconf(Int32(_SC_NPROCESSORS_ONLN)))

  /// - Parameter count: how many there are; one at least is taken to be there.
  package init(count: Int) {
    self.count = max(count, 1)
    state = Monitor(State(free: self.count))
  }

  /// Runs work that keeps so many processors busy, or all of them where it wants more.
  package func use<Result>(_ wanted: Int, _ body: () throws -> Result) rethrows -> Result {
    let taken = min(max(wanted, 1), count)
    let ticket = state.withLock { state in
      state.tickets += 1
      state.queue.append(state.tickets)
      return state.tickets
    }
    state.await { state -> Void? in
      guard state.queue.first == ticket, state.free >= taken else { return nil }
      state.queue.removeFirst()
      state.free -= taken
      return ()
    }
    // The next one may have room, too.
    state.change { _ in }
    defer { state.change { $0.free += taken } }
    return try body()
  }
}
