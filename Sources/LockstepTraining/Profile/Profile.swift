import LockstepCollective
import LockstepObservation
import LockstepFiles

/// A timeline of all ranks, for the steps that all of them have recorded whole: a trace that Perfetto
/// and Chrome show, and a breakdown of the step.
package struct Profile {
  /// Where the time of the steps went, the same on all ranks.
  package let breakdown: StepBreakdown
  /// The trace in Chrome's format, on rank 0; nothing on the others.
  private let events: [[UInt8]]

  /// Brings the ranks' timelines together. Called by all ranks.
  ///
  /// - Throws: ``ProfileError`` where no step was recorded whole, and what the collective throws.
  package init(_ timeline: Timeline, on collective: any Collective) throws {
    timeline.finish()
    let offset = try ClockOffset.nanoseconds(on: collective)
    let whole = timeline.wholeSteps
    let ranges = try collective.allgather(
      SIMD2(Int64(whole?.lowerBound ?? 0), Int64(whole?.upperBound ?? -1)))
    let last = ranges.map { Int($0.y) }.min()!  // a group has a rank
    let first = max(ranges.map { Int($0.x) }.max()!, last - timeline.options.steps + 1)
    guard last > 0, first <= last else { throw ProfileError() }
    let steps = first...last

    let start = timeline.start(of: first)
    let starts = try collective.allgather(Int64(bitPattern: start) + offset)
    // This rank's reading of the earliest start.
    let origin = UInt64(bitPattern: starts.min()! - offset)
    let flights = try MessageFlights.spans(
      timeline, steps: steps, offset: offset, on: collective)
    let rows = TraceEvents.rows(
      timeline, flights, rank: collective.rank, from: start, origin: origin)
    events = try Self.gather(rows, on: collective)

    let mine = StepBreakdown.sums(timeline, flights, steps: steps)
    var sums: [[UInt64]] = Array(repeating: [], count: collective.size)
    for sum in mine {
      for (rank, value) in try collective.allgather(sum).enumerated() { sums[rank].append(value) }
    }
    breakdown = StepBreakdown(steps: steps, sums: sums)
  }

  private static func gather(
    _ bytes: [UInt8], on collective: any Collective
  ) throws -> [[UInt8]] {
    let counts = try collective.allgather(Int64(bytes.count)).map(Int.init)
    let isRoot = collective.isRoot
    var all = [UInt8](repeating: 0, count: isRoot ? counts.reduce(0, +) : 0)
    try bytes.withUnsafeBytes { mine in
      try all.withUnsafeMutableBytes { all in
        try collective.gather(mine, counts: counts, into: all, root: 0)
      }
    }
    guard isRoot else { return [] }
    var start = 0
    return counts.map { count in
      defer { start += count }
      return Array(all[start..<start + count])
    }
  }

  /// Writes the trace on rank 0. Called by all ranks.
  ///
  /// - Throws: `FileError` on rank 0 and ``RootFailure`` on the others.
  package func write(_ path: String, on collective: any Collective) throws {
    try collective.onRoot {
      try OutputFile.write(path) { output in
        try output.append("{\"displayTimeUnit\":\"ms\",\"traceEvents\":[\n")
        for (index, rows) in events.enumerated() {
          if index > 0 { try output.append(",\n") }
          try output.append(rows)
        }
        try output.append("\n]}\n")
      }
    }
  }
}

/// There is nothing to show.
package struct ProfileError: Error, Equatable, CustomStringConvertible {
  package init() {}

  package var description: String {
    "the profile has no step that all ranks recorded whole; train at least one step, and with "
      + "'--profile-operations' leave that out where a step has more operations than fit"
  }
}

extension Timeline {
  /// The steps of which nothing is missing on any track, the newest ones; nil for none.
  var wholeSteps: ClosedRange<Int>? {
    let since = (threads + [input, messages]).map(\.completeSince).max() ?? 0
    let steps = main.spans.filter { $0.activity == .step && $0.start >= since }
    guard let first = steps.first, let last = steps.last else { return nil }
    return Int(first.step)...Int(last.step)
  }

  /// When a step began.
  func start(of step: Int) -> UInt64 {
    main.spans.first { $0.activity == .step && Int($0.step) == step }?.start ?? 0
  }
}
