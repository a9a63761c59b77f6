import LockstepPlatform
import LockstepEngine

/// What one thread has been doing lately: a ring of spans that were finished, oldest first.
///
/// Spans nest: what begins inside of a span ends inside of it, and is recorded before it. Recording
/// allocates nothing.
package final class Track: @unchecked Sendable {
  // Unchecked: its thread alone writes; others read, or make room, while that thread rests.

  /// The row's name.
  package let name: String
  /// The step that the thread works for, counted from 1; 0 between steps.
  package var step: Int32 = 0
  /// The labels of operations, by the details of their spans.
  package private(set) var labels: [String] = []
  /// Whether operations are recorded.
  package let recordsOperations: Bool

  private var ring: UnsafeMutableBufferPointer<Span>
  /// How many spans were recorded, those that the ring has lost included.
  package private(set) var total = 0
  /// The number of the oldest span at hand.
  private var first = 0
  private var open: UnsafeMutableBufferPointer<Span>
  private var depth = 0
  private var firstLabels: [ObjectIdentifier: Int32] = [:]

  /// The deepest nesting: step, phase, shard, wait, and room for more.
  private static let depthLimit = 16

  package init(_ name: String, capacity: Int, recordsOperations: Bool) {
    self.name = name
    self.recordsOperations = recordsOperations
    ring = .allocate(capacity: capacity)
    open = .allocate(capacity: Self.depthLimit)
  }

  deinit {
    ring.deallocate()
    open.deallocate()
  }

  // MARK: Recording

  /// Something begins.
  package func begin(_ activity: Activity, _ detail: Int = -1) {
    precondition(depth < Self.depthLimit, "spans nest too deeply")
    open[depth] = Span(
      start: SystemClock.now, end: 0, step: step, detail: Int32(truncatingIfNeeded: detail),
      activity: activity)
    depth += 1
  }

  /// What began last ends.
  package func end() {
    depth -= 1
    var span = open[depth]
    span.end = SystemClock.now
    record(span)
  }

  /// Ends what is open until `level` spans are.
  package func end(downTo level: Int) { while depth > level { end() } }

  /// Something that began and ended, inside of what is open.
  package func add(_ activity: Activity, _ detail: Int32, from start: UInt64, to end: UInt64) {
    record(Span(start: start, end: end, step: step, detail: detail, activity: activity))
  }

  private func record(_ span: Span) {
    ring[total % ring.count] = span
    total += 1
    first = max(first, total - ring.count)
  }

  /// The detail of the first of a plan's operations; the others follow.
  package func firstLabel(of plan: Plan) -> Int32 {
    if let first = firstLabels[ObjectIdentifier(plan)] { return first }
    let first = Int32(labels.count)
    labels += plan.labels
    firstLabels[ObjectIdentifier(plan)] = first
    return first
  }

  /// Makes room for so many spans; those at hand stay.
  package func reserve(_ capacity: Int) {
    guard capacity > ring.count else { return }
    let larger = UnsafeMutableBufferPointer<Span>.allocate(capacity: capacity)
    for index in first..<total {
      larger[index % capacity] = ring[index % ring.count]
    }
    ring.deallocate()
    ring = larger
  }

  // MARK: Reading

  /// The spans at hand, in the order of their ends.
  package var spans: [Span] { (first..<total).map { ring[$0 % ring.count] } }

  /// From when on nothing is missing.
  package var completeSince: UInt64 {
    // What was lost had ended when the oldest span at hand did.
    first > 0 ? ring[first % ring.count].end : 0
  }
}

extension Track? {
  /// Runs `body` as a span of the track, where there is one.
  @inline(__always)
  package func span<Result>(
    _ activity: Activity, _ detail: Int = -1, _ body: () throws -> Result
  ) rethrows -> Result {
    guard let self else { return try body() }
    self.begin(activity, detail)
    defer { self.end() }
    return try body()
  }
}
