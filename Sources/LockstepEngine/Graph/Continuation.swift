/// What part of a sequence is traced, where runs go on from one another.
package enum Continuation: Sendable, Equatable {
  /// A sequence by itself.
  case none
  /// A window of a stream: recurrent layers that say so take their first states from inputs, and tell their
  /// last ones.
  case declared
  /// The first positions of a sequence. They tell what those behind them need.
  case beginning
  /// One position behind others, which is one of `context` at most.
  case next(context: Int)

  /// The input that has the number of the position, [N, 1] of Int32.
  package static let position = "continuation.position"
  /// The input that has the number of positions up to this one, [N] of Int32.
  package static let length = "continuation.length"
}
