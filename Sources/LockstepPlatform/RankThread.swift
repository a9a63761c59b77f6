/// A thread with a closure to run, joined exactly once.
package final class RankThread: @unchecked Sendable {
  // Unchecked: the thread is written before anybody has the value, and joined once.
  private var thread = pthread_t()

  private final class Work {
    let run: @Sendable () -> Void
    init(_ run: @escaping @Sendable () -> Void) { self.run = run }
  }

  /// Starts the thread at once.
  package init(_ run: @escaping @Sendable () -> Void) {
    let work = Unmanaged.passRetained(Work(run))
    let code = pthread_create(
      &thread, nil,
      { argument in
        Unmanaged<Work>.fromOpaque(argument!).takeRetainedValue().run()
        return nil
      }, work.toOpaque())
    precondition(code == 0, "cannot start a thread: \(String(cString: strerror(code)))")
  }

  /// Returns when the closure has.
  package func join() { pthread_join(thread, nil) }
}
