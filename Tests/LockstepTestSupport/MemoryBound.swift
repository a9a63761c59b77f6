#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#endif

/// The largest amount of memory this process ever had, in bytes.
private func peakMemory() -> Int {
  var usage = rusage()
  getrusage(__rusage_who_t(RUSAGE_SELF.rawValue), &usage)
  return usage.ru_maxrss * 1024
}

/// Runs work that must not take much memory, nor long: ends the process where it takes more.
///
/// To be called in an exit test, whose process does nothing else.
///
/// - Parameters:
///   - growth: how much more than before, in bytes.
///   - seconds: how long.
public func withMemoryBound(
  growth: Int = 64 << 20, seconds: Int = 60, _ body: () throws -> Void
) rethrows {
  alarm(UInt32(seconds))
  let before = peakMemory()
  try body()
  alarm(0)
  let grown = peakMemory() - before
  if grown > growth {
    // No trap: its backtrace of a whole test program takes a minute.
    print("took \(grown) bytes; at most \(growth) were allowed")
    exit(EXIT_FAILURE)
  }
}

/// A gzip file of many members that inflates to `count` zero bytes, made without holding them.
public func gzipBomb(megabytes: Int, start: [UInt8] = []) -> [UInt8] {
  let member = gzipped([UInt8](repeating: 0, count: 1 << 20))
  var file = gzipped(start)
  for _ in 0..<megabytes { file += member }
  return file
}
