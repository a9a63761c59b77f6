import LockstepEngine

/// Multiplies the update by a fixed number.
package struct ScaleBy: GradientTransform, Equatable {
  /// The factor.
  package let factor: Double

  package func validate() throws {
    try HyperparameterRange.nonNegative.check("scale", "factor", factor)
  }

  package func bind(to context: TransformContext) -> any BoundTransform {
    Bound(ScaleFactor(factor), context.kernels)
  }

  private final class Bound: InspectedTransform {
    private let factor: ScaleFactor
    private let kernels: Kernels

    init(_ factor: ScaleFactor, _ kernels: Kernels) {
      self.factor = factor
      self.kernels = kernels
    }

    func apply(_ block: BlockView) {
      kernels.scale(block.output, block.input, by: factor, block.count)
    }
  }
}
