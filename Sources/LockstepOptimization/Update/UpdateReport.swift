import LockstepEngine

/// What one step did to the gradient.
package struct UpdateReport: Sendable, Equatable {
  /// The run's step, counted from 0.
  package var step: Int
  /// The Euclidean norm of the gradient before clipping.
  package var gradientNorm: Double
  /// The Euclidean norm behind the last clip of the chain; nil while it is not known yet, which
  /// can be so in the report of `prepare` and never in that of `apply`.
  package var clippedGradientNorm: Double?
  /// Whether a clip changed the gradient.
  package var clipped: Bool
  /// clippedGradientNorm / gradientNorm; exactly 1 where nothing was clipped.
  package var coefficient: Double {
    guard clipped, let clippedGradientNorm, gradientNorm > 0 else { return 1 }
    return clippedGradientNorm / gradientNorm
  }
  /// The part of the gradient's values that clips changed.
  package var clippedFraction = 0.0
  /// The index, among the layout's slots, of a tensor that holds more than 99 % of the norm before clipping;
  /// nil where none does, or there are fewer than three.
  package var dominantTensor: Int?
  /// Whether a clip left a gradient whose root mean square is below the optimizer's ε.
  package var clipsBelowEpsilon = false
  /// What was done to heads of attentions; nil where nothing clips them.
  package var headClip: HeadClipReport?
  /// The learning rate of the first `ScaleByLearningRate`, before factors of parameter groups;
  /// 1 where the chain has none.
  package var learningRate: Double

  /// Makes a report; the defaults are those of a gradient that nothing clipped.
  package init(
    step: Int, gradientNorm: Double, clippedGradientNorm: Double? = nil, clipped: Bool = false,
    clippedFraction: Double = 0, learningRate: Double
  ) {
    self.step = step
    self.gradientNorm = gradientNorm
    self.clippedGradientNorm = clippedGradientNorm
    self.clipped = clipped
    self.clippedFraction = clippedFraction
    self.learningRate = learningRate
  }
}

/// A gradient holds an infinity or a NaN. Nothing has changed: neither parameters nor state.
package struct NonFiniteGradient: Error, Equatable, CustomStringConvertible {
  /// The run's step, counted from 0.
  package let step: Int
  /// The first block, in arena order, that holds a non-finite value.
  package let block: Int
  /// The index, among the layout's slots, of the tensor that the block belongs to.
  package let slot: Int
  /// The tensor's name: `conv.weight`.
  package let name: String

  package var description: String {
    "step \(step): the gradient of \(name) is not finite (block \(block))"
  }
}
