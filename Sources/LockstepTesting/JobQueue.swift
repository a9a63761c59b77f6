import Synchronization

#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#endif

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
  private let state: Mutex<State>

  /// Those of this machine.
  package static let machine = JobQueue(count: sysconf(Int32(_SC_NPROCESSORS_ONLN)))

  /// - Parameter count: how many there are; one at least is taken to be there.
  package init(count: Int) {
    self.count = max(count, 1)
    state = Mutex(State(free: self.count))
  }

  /// Runs work that keeps so many processors busy, or all of them where it wants more.
  package func use<Result>(_ wanted: Int, _ body: () throws -> Result) rethrows -> Result {
    let taken = min(max(wanted, 1), count)
    let ticket = state.withLock { state in
      state.tickets += 1
      state.queue.append(state.tickets)
      return state.tickets
    }
    // A job takes a hundred times as long as a look.
    while !admit(ticket, taken) { usleep(2_000) }
    defer { state.withLock { $0.free += taken } }
    return try body()
  }

  /// Lets the first one in the queue in, if there is room.
  private func admit(_ ticket: Int, _ taken: Int) -> Bool {
    state.withLock { state in
      guard state.queue.first == ticket, state.free >= taken else { return false }
      state.queue.removeFirst()
      state.free -= taken
      return true
    }
  }
}
