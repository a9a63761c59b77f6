/// How long something has lasted while somebody looked at it again and again.
///
/// Time in which the looker itself was suspended does not count: a job that a batch system stops for an
/// hour, or a container that is paused, finds nobody late when it wakes.
package struct AttendedTime {
  /// A look that comes so many seconds after the one before comes from a looker that was suspended, or
  /// starved, as what it looks at may have been.
  private let gap: Double
  private var last: UInt64
  private var start: UInt64?
  /// The seconds that it has lasted.
  package private(set) var seconds = 0.0

  /// - Parameters:
  ///   - interval: the seconds between two looks.
  ///   - now: the time in nanoseconds.
  package init(interval: Double, now: UInt64) {
    gap = max(2, 20 * interval)
    last = now
  }

  /// Looks.
  ///
  /// - Parameters:
  ///   - now: the time in nanoseconds.
  ///   - start: when what lasts began; nil where nothing lasts.
  /// - Returns: whether the looker was suspended since the last look; the time counts from here on then.
  package mutating func look(at now: UInt64, since start: UInt64?) -> Bool {
    let passed = now > last ? Double(now - last) / 1e9 : 0
    last = now
    let wasSuspended = passed > gap
    guard let start else {
      self.start = nil
      seconds = 0
      return wasSuspended
    }
    if wasSuspended {
      seconds = 0
    } else if start == self.start {
      seconds += passed
    } else {
      seconds = now > start ? min(passed, Double(now - start) / 1e9) : 0
    }
    self.start = start
    return wasSuspended
  }
}
