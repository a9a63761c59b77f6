/// When a program that was started is asked to end, and when it is killed.
///
/// It reads no clock: whoever supervises says how much time has passed.
package struct Supervision {
  /// What to do now.
  package enum Action: Equatable {
    /// Nothing.
    case wait
    /// Ask the program to end.
    case ask
    /// Kill it, and what it has started.
    case kill
  }

  /// The time that the program may take.
  package let deadline: Duration
  /// The time that it has to end after it was asked to.
  package let grace: Duration

  /// Why the program was asked to end; nil where it was not.
  package private(set) var reason: ProgramResult.Ending?
  private var asked: Duration = .zero
  private var wasKilled = false

  package init(deadline: Duration, grace: Duration = .seconds(3)) {
    self.deadline = deadline
    self.grace = grace
  }

  /// What to do at a moment, in the order of moments; it asks once and kills once.
  ///
  /// - Parameters:
  ///   - elapsed: the time since the start.
  ///   - isCancelled: whether the caller wants it ended.
  package mutating func action(at elapsed: Duration, isCancelled: Bool) -> Action {
    if reason != nil {
      guard !wasKilled, elapsed > asked + grace else { return .wait }
      wasKilled = true
      return .kill
    }
    guard elapsed > deadline || isCancelled else { return .wait }
    reason = elapsed > deadline ? .timedOut : .cancelled
    asked = elapsed
    return .ask
  }
}
