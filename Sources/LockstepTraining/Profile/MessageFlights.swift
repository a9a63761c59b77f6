import LockstepPlatform
import LockstepCollective
import LockstepObservation

/// Buckets of gradients on their way to a rank: each from the moment when the first of its senders
/// started it to the one when the receiver saw it complete.
///
/// The ends are known to the receiver and the starts to others, whose clocks are aligned; so the ranks
/// tell each other their starts when a profile is made.
package enum MessageFlights {
  /// A bucket of a step, folded or not.
  private struct Key: Hashable {
    let step: Int32
    let bucket: Int32
    let isFolded: Bool
  }

  /// What was sent, as the ranks tell each other.
  private struct Start: BitwiseCopyable {
    let step: Int32
    let bucket: Int32
    let isFolded: Int64
    /// In nanoseconds of rank 0's clock.
    let time: Int64
  }

  /// The flights to this rank in some steps, by its own clock. Called by all ranks.
  ///
  /// - Parameter offset: what to add to this rank's clock to have rank 0's.
  static func spans(
    _ timeline: Timeline, steps: ClosedRange<Int>, offset: Int64, on collective: any Collective
  ) throws -> [Span] {
    let all = timeline.messages.spans.filter { steps.contains(Int($0.step)) }
    let mine = all.compactMap { span -> Start? in
      guard span.activity == .sendPartial || span.activity == .sendFolded else { return nil }
      return Start(
        step: span.step, bucket: span.detail, isFolded: span.activity == .sendFolded ? 1 : 0,
        time: Int64(bitPattern: span.start) + offset)
    }
    var starts: [Key: Int64] = [:]
    for start in try gather(mine, on: collective) {
      let key = Key(step: start.step, bucket: start.bucket, isFolded: start.isFolded != 0)
      starts[key] = min(starts[key] ?? .max, start.time)
    }
    return all.compactMap { span in
      guard span.activity == .receivePartial || span.activity == .receiveFolded else { return nil }
      let key = Key(
        step: span.step, bucket: span.detail, isFolded: span.activity == .receiveFolded)
      guard let start = starts[key] else { return nil }
      var flight = span
      // Clocks are aligned to some microseconds.
      flight.start = min(UInt64(bitPattern: start - offset), span.end)
      return flight
    }
  }

  private static func gather(_ mine: [Start], on collective: any Collective) throws -> [Start] {
    let width = MemoryLayout<Start>.stride
    let counts = try collective.allgather(Int64(mine.count)).map { Int($0) * width }
    var all = [Start](
      repeating: Start(step: 0, bucket: 0, isFolded: 0, time: 0),
      count: counts.reduce(0, +) / width)
    try mine.withUnsafeBytes { mine in
      try all.withUnsafeMutableBytes { try collective.allgather(mine, counts: counts, into: $0) }
    }
    return all
  }

  /// The nanoseconds in which something was under way, and those of them in which the rank's first
  /// thread waited for other ranks.
  package static func times(_ flights: [Span], waits: [Span]) -> (flight: UInt64, exposed: UInt64) {
    let flights = union(flights)
    let waits = union(waits)
    var exposed: UInt64 = 0
    var next = 0
    for flight in flights {
      while next < waits.count, waits[next].upperBound <= flight.lowerBound { next += 1 }
      var wait = next
      while wait < waits.count, waits[wait].lowerBound < flight.upperBound {
        let both = waits[wait].clamped(to: flight)
        exposed += both.upperBound - both.lowerBound
        wait += 1
      }
    }
    return (flights.reduce(0) { $0 + $1.upperBound - $1.lowerBound }, exposed)
  }

  /// The times that spans cover, in order and apart.
  private static func union(_ spans: [Span]) -> [Range<UInt64>] {
    var ranges: [Range<UInt64>] = []
    for span in spans.sorted(by: { $0.start < $1.start }) {
      if let last = ranges.last, span.start <= last.upperBound {
        ranges[ranges.count - 1] = last.lowerBound..<max(last.upperBound, span.end)
      } else {
        ranges.append(span.start..<span.end)
      }
    }
    return ranges
  }
}
