/// What a thread can be doing, as a profile tells it.
package enum Activity: UInt8, Sendable, CaseIterable {
  /// A whole step of a rank's first thread, from asking for the batch to the log.
  case step

  // Parts of a step, and what happens inside of them: shards with their passes in `compute`, for one.

  /// Asking for the batch; once an epoch, permuting the examples.
  case order
  /// Copying, decoding or changing a shard's examples, or copying what was prepared.
  case input
  /// A forward pass.
  case forward
  /// One operation of a pass, where a timeline records operations.
  case operation
  /// A backward pass; inside of a fold, making gradients of outer products.
  case backward
  /// A shard, or shards computed together: its passes, and adding its gradient to the rank's sum.
  case shard
  /// All shards of a rank, with packing parameters and unpacking gradients.
  case compute
  /// Adding the ranks' gradients, dividing and measuring them.
  case fold
  /// Sending the folded gradient, or the updated parameters, to all ranks.
  case gather
  /// Sending the norms of the blocks to all ranks.
  case measure
  /// Checking whether all is finite; comparing the state of ranks.
  case check
  /// Clips, optimizer and constraints.
  case update
  /// Writing the line of the log.
  case log
  /// Waiting for other ranks.
  case wait
  /// Waiting for the rank's other threads.
  case waitForThreads
  /// Waiting for inputs that are not prepared yet.
  case waitForInput

  // What happens between steps.

  /// Agreeing, loading and planning before the first step.
  case start
  /// Evaluating.
  case evaluate
  /// Reading or writing a checkpoint.
  case checkpoint
  /// Writing how the run ended.
  case end

  /// An example's inputs made ready by a thread that does nothing else.
  case prepare

  // A bucket of partial sums, or of the folded arena, between nodes.

  /// A bucket of partial sums on its way to its owner, as its sender sees it.
  case sendPartial
  /// A bucket of partial sums on its way to its owner, as its owner sees it.
  case receivePartial
  /// A folded bucket on its way from its owner, as its owner sees it.
  case sendFolded
  /// A folded bucket on its way from its owner, as its receiver sees it.
  case receiveFolded

  /// What people read.
  package var name: String {
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
  package var isWaiting: Bool {
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
