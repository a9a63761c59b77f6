/// Gradient transforms in order: what happens between the measured gradient and the parameters.
///
/// ```swift
/// Chain(ClipByGlobalNorm(1), ScaleByAdam(), DecoupledWeightDecay(0.01), ScaleByLearningRate(1e-3))
/// ```
///
/// The vector u that leaves the chain is subtracted from the parameters, p ← p − u. Constraints
/// are no transforms and follow in ``UpdateRule``.
///
/// The presets have the names of PyTorch's optimizers, with its formulas and defaults, or of papers.
/// Their `weightDecay` is added to the gradient behind the clip, unless the preset says that it is
/// decoupled. Those that end in `Keras` have Keras's formulas and defaults, and decouple it always.
public struct Chain: Sendable {
  /// The transforms, first one first.
  package let transforms: [any GradientTransform]

  /// Makes a chain of transforms, first one first.
  public init(_ transforms: any GradientTransform...) { self.transforms = transforms }

  /// Makes a chain of a list of transforms, first one first.
  public init(_ transforms: [any GradientTransform]) { self.transforms = transforms }

  /// The chain that does `left` first: `Chain(ClipByGlobalNorm(1)) + .adamW()`.
  public static func + (left: Chain, right: Chain) -> Chain {
    Chain(left.transforms + right.transforms)
  }

  /// Throws a ``HyperparameterError`` where a hyperparameter is out of range.
  package func validate() throws {
    for transform in transforms { try transform.validate() }
  }
}
