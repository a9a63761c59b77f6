/// Readings of the system's clocks.
package enum SystemClock {
  /// Time that passes for all processes of a machine alike, in nanoseconds.
  package static var now: UInt64 { read(CLOCK_MONOTONIC) }

  /// The same in seconds.
  package static var seconds: Double { Double(now) * 1e-9 }

  /// Time that the calling thread has been running, in seconds: what other programs take does not count.
  package static var threadSeconds: Double { Double(read(CLOCK_THREAD_CPUTIME_ID)) * 1e-9 }

  private static func read(_ clock: clockid_t) -> UInt64 {
    var time = timespec()
    clock_gettime(clock, &time)
    return UInt64(time.tv_sec) * 1_000_000_000 + UInt64(time.tv_nsec)
  }
}
