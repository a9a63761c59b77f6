import LockstepEngine

/// A call that does not fit the step's order.
package enum UpdateError: Error, Equatable, CustomStringConvertible {
  /// `apply` without a `prepare` of its own.
  case notPrepared
  /// A part of the blocks cannot be updated without the other ranks' sums.
  case needsGather
  /// Matrices must be whole, and this rank updates a part of the blocks.
  case needsMatrices
  /// Heads of attentions are clipped by logits that the step has not told.
  case needsLogits(heads: Int)
  /// A buffer has another length than the layout.
  case wrongLength(String, expected: Int, found: Int)
  /// Block groups name a block twice or one that is not there.
  case badBlocks([Range<Int>])
  /// A parameter group that holds for no tensor; `names` are the tensors'.
  case unmatchedPattern(String, names: [String])
  /// A transform asked for a measure that it did not declare, or of a tensor that is not there.
  case badMeasure(String)
  /// A schedule gave a rate that is negative or not finite.
  case badLearningRate(Double, step: Int)

  package var description: String {
    switch self {
    case .notPrepared: "apply needs a prepare before it, one for each step"
    case .needsGather: "this chain or its constraints need the sums of all blocks: pass gather"
    case .needsMatrices:
      "the chain works on whole matrices, which a rank that updates a part of the blocks gets by a "
        + "MatrixExchange: a step gives it one"
    case .needsLogits(let heads):
      "a constraint 'qkClip' needs the largest logits of \(heads) heads in each step: a training's step tells them"
    case .wrongLength(let what, let expected, let found):
      "\(what) has \(found) values where the layout asks for \(expected)"
    case .badBlocks(let groups): "blocks \(groups) overlap or are not in the layout"
    case .unmatchedPattern(let pattern, let names):
      "parameter group '\(pattern)' matches no trainable parameter; there are "
        + NameGlob.list(names)
    case .badMeasure(let what): what
    case .badLearningRate(let rate, let step):
      "the schedule gives the learning rate \(rate) at step \(step): it must be finite, at least 0"
    }
  }
}
