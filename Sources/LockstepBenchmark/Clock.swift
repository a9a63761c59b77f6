#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#endif

/// Readings of the system's clocks, in seconds.
enum Clock {
  /// Time that passes for all.
  static func wall() -> Double { read(CLOCK_MONOTONIC) }
  /// Time that the calling thread has been running: what other programs take does not count.
  static func thread() -> Double { read(CLOCK_THREAD_CPUTIME_ID) }

  private static func read(_ clock: clockid_t) -> Double {
    var time = timespec()
    clock_gettime(clock, &time)
    return Double(time.tv_sec) + Double(time.tv_nsec) * 1e-9
  }
}
