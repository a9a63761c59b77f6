import LockstepCatalog
import LockstepEngine

/// The sign of the update: −1, 0 or 1, whatever its magnitude. A NaN stays a NaN.
package struct ScaleBySign: GradientTransform, Equatable {
  /// Makes a direction of signs.
  package init() {}

  package func validate() throws {}

  package var ignoresMagnitude: Bool { true }

  package func bind(to context: TransformContext) -> any BoundTransform { Bound(context.kernels) }

  private final class Bound: InspectedTransform {
    private let kernels: Kernels

    init(_ kernels: Kernels) { self.kernels = kernels }

    func apply(_ block: BlockView) {
      kernels.update.sign(block.output, block.input, block.count)
    }
  }
}

extension Chain {
  /// signSGD by its paper: u = η (sign(g) + λp), decoupled decay.
  public static func signSGD(
    learningRate: Schedule = 1e-4, weightDecay: Double = 0
  ) -> Chain {
    Chain([ScaleBySign()] + decoupled(weightDecay) + [ScaleByLearningRate(learningRate)])
  }

  static let signSGDEntry = Entry<Optimizer>(
    "signSGD", "the gradient's sign, by its paper", learningRate: 1e-4, [.weightDecay()]
  ) { values, rate in .signSGD(learningRate: rate, weightDecay: values["weightDecay"]) }

  /// Signum by its paper: u = η (sign(m) + λp) with m = β m + (1 − β) g.
  ///
  /// The momentum here is m / (1 − β), which has the same sign.
  public static func signum(
    learningRate: Schedule = 1e-4, momentum: Double = 0.9, weightDecay: Double = 0
  ) -> Chain {
    Chain(
      [Momentum(momentum), ScaleBySign()] + decoupled(weightDecay)
        + [ScaleByLearningRate(learningRate)])
  }

  static let signumEntry = Entry<Optimizer>(
    "signum", "the sign of momentum, by its paper", learningRate: 1e-4,
    [.momentum(0.9), .weightDecay()]
  ) { values, rate in
    .signum(
      learningRate: rate, momentum: values["momentum"], weightDecay: values["weightDecay"])
  }
}

extension GradientTransform where Self == Provided {
  /// The sign of the update: −1, 0 or 1, whatever its magnitude. A NaN stays a NaN.
  ///
  /// A clip right before it is refused, as it would change nothing. (Bernstein et al. 2018, "signSGD:
  /// Compressed optimisation for non-convex problems", algorithms 1 and 2.)
  public static func scaleBySign() -> some GradientTransform { ScaleBySign() }
}
