/// What a thread can be doing, as a profile tells it.
public enum Activity: UInt8, Sendable, CaseIterable {
  /// A whole step of a rank's first thread, from asking for the batch to the log.
  case step

  // Parts of a step, and what happens inside of them: shards with their passes in `compute`, for one.
  case order, input, forward, operation, backward, shard, compute, fold, gather, measure, check,
    update
  case log, wait, waitForThreads, waitForInput

  // What happens between steps.
  case start, evaluate, checkpoint, end

  /// An example's inputs made ready by a thread that does nothing else.
  case prepare

  // A bucket of partial sums, or of the folded arena, between nodes.
  case sendPartial, receivePartial, sendFolded, receiveFolded

  /// What people read.
  public var name: String {
    switch self {
    case .order: "order of examples"
    case .wait: "wait for ranks"
    case .waitForThreads: "wait for threads"
    case .waitForInput: "wait for input"
    case .prepare: "prepare input"
    case .sendPartial, .receivePartial: "partial sums"
    case .sendFolded, .receiveFolded: "folded"
    default: "\(self)"
    }
  }

  /// Whether nothing is done while it lasts.
  public var isWaiting: Bool {
    switch self {
    case .wait, .waitForThreads, .waitForInput: true
    default: false
    }
  }

  /// The activity of a phase.
  init(_ phase: RankStatus.Phase) {
    switch phase {
    case .starting: self = .start
    case .computing: self = .compute
    case .folding: self = .fold
    case .comparing: self = .check
    case .updating: self = .update
    case .evaluating: self = .evaluate
    case .checkpointing: self = .checkpoint
    case .ending: self = .end
    }
  }
}

/// A time in which a thread did one thing.
package struct Span {
  /// In nanoseconds of the machine's clock.
  package var start: UInt64
  package var end: UInt64
  /// The step, counted from 1; 0 between steps.
  package var step: Int32
  /// A shard's number, or an operation's label; −1 for none.
  package var detail: Int32
  package var activity: Activity

  package init(start: UInt64, end: UInt64, step: Int32, detail: Int32, activity: Activity) {
    self.start = start
    self.end = end
    self.step = step
    self.detail = detail
    self.activity = activity
  }
}
