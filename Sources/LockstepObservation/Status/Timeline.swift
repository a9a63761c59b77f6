import LockstepEngine

/// What the threads of one rank do, step by step, for a profile.
///
/// Set it on the rank's page and its source before training; the steps that fit are kept, the
/// newest ones.
///
/// ```swift
/// let timeline = try Timeline(threads: 1)
/// group.page?.timeline = timeline
/// source.timeline = timeline
/// _ = try trainer.run()
/// let profile = try Profile(timeline, on: group)
/// ```
package final class Timeline: @unchecked Sendable {
  // Unchecked: immutable but for its tracks, each of which says who writes it.

  /// What is recorded.
  package struct Options: Sendable, Equatable {
    /// The number of steps to keep, the newest ones.
    package var steps = 100
    /// Whether each operation of a shard is a span.
    package var operations = false

    /// Makes options with a number of steps to keep, with or without operations.
    package init(steps: Int = 100, operations: Bool = false) {
      self.steps = steps
      self.operations = operations
    }
  }

  /// What is recorded.
  package let options: Options
  /// The computing threads' tracks, the first one the rank's own.
  package let threads: [Track]
  /// The track of the thread that prepares inputs.
  package let input: Track
  /// The messages that this rank sends and receives: no thread's own.
  package let messages: Track
  private var spansAtStart = 0
  private var hasReserved = false

  /// The spans of a track at first; untouched memory costs nothing.
  private static let capacity = 1 << 15
  /// The spans of a track at most: 32 MB of them.
  private static let largestCapacity = 1 << 20

  /// - Parameter threads: the number of the rank's computing threads.
  /// - Throws: ``ArgumentError`` for less than one thread or step.
  package init(threads: Int = 1, options: Options = Options()) throws(ArgumentError) {
    try ArgumentError.require(threads, atLeast: 1, "threads", of: "Timeline")
    try ArgumentError.require(options.steps, atLeast: 1, "options.steps", of: "Timeline")
    self.options = options
    self.threads = (0..<threads).map { number in
      Track(
        number == 0 ? "steps" : "thread \(number)", capacity: Self.capacity,
        recordsOperations: options.operations)
    }
    input = Track("input", capacity: Self.capacity, recordsOperations: false)
    messages = Track("messages", capacity: Self.capacity, recordsOperations: false)
  }

  /// The track of the rank's first thread.
  package var main: Track { threads[0] }

  /// A step begins. Whatever was open has ended.
  package func beginStep(_ number: Int) {
    main.end(downTo: 0)
    for track in threads { track.step = Int32(truncatingIfNeeded: number) }
    messages.step = main.step
    spansAtStart = mostSpans
    main.begin(.step)
  }

  /// What came before ends, and an activity begins: a part of a step, or something between steps.
  package func enter(_ activity: Activity) {
    main.end(downTo: main.step > 0 ? 1 : 0)
    main.begin(activity)
  }

  /// The step is over.
  package func endStep() {
    main.end(downTo: 0)
    for track in threads { track.step = 0 }
    messages.step = 0
    if hasReserved { return }
    hasReserved = true
    // Room for the steps that are wanted, and for what is between them.
    let spans = mostSpans - spansAtStart
    let wanted = options.steps.multipliedReportingOverflow(by: 2 * spans)
    let capacity = wanted.overflow ? .max : wanted.partialValue
    for track in threads + [messages] { track.reserve(min(capacity, Self.largestCapacity)) }
  }

  private var mostSpans: Int {
    var most = messages.total
    for track in threads { most = max(most, track.total) }
    return most
  }

  /// Ends what is open.
  package func finish() { main.end(downTo: 0) }
}
