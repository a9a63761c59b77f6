/// State that several threads share, and a condition to wait on until it changes.
///
/// Neither locking nor waiting allocates.
package final class Monitor<State>: @unchecked Sendable {
  // Unchecked: the state is read and written under the lock only.
  private var state: State
  private let lock = UnsafeMutablePointer<pthread_mutex_t>.allocate(capacity: 1)
  private let changed = UnsafeMutablePointer<pthread_cond_t>.allocate(capacity: 1)

  package init(_ state: State) {
    self.state = state
    lock.initialize(to: pthread_mutex_t())
    changed.initialize(to: pthread_cond_t())
    pthread_mutex_init(lock, nil)
    pthread_cond_init(changed, nil)
  }

  deinit {
    pthread_cond_destroy(changed)
    pthread_mutex_destroy(lock)
    changed.deallocate()
    lock.deallocate()
  }

  /// Runs `body` while no other thread has the state.
  package func withLock<Result>(_ body: (inout State) throws -> Result) rethrows -> Result {
    pthread_mutex_lock(lock)
    defer { pthread_mutex_unlock(lock) }
    return try body(&state)
  }

  /// Runs `body`, which changes the state, and wakes all threads that wait.
  package func change<Result>(_ body: (inout State) throws -> Result) rethrows -> Result {
    try withLock { state in
      defer { pthread_cond_broadcast(changed) }
      return try body(&state)
    }
  }

  /// Waits until `body` gives something; it is asked again whenever the state has changed. What it
  /// throws ends the wait.
  package func await<Result>(_ body: (inout State) throws -> Result?) rethrows -> Result {
    pthread_mutex_lock(lock)
    defer { pthread_mutex_unlock(lock) }
    while true {
      if let result = try body(&state) { return result }
      pthread_cond_wait(changed, lock)
    }
  }
}
