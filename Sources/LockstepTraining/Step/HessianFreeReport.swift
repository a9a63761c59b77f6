/// What a Hessian-free step did beside a ``StepReport``, the same on every rank.
package struct HessianFreeReport: Sendable, Equatable {
  /// The iterations of conjugate gradients.
  package var iterations = 0
  /// The products with the curvature that were computed.
  package var products = 0
  /// The losses that were computed beside the gradient's.
  package var losses = 0
  /// λ that the step was made with.
  package var damping = 0.0
  /// ρ: how the objective fell over how the quadratic model did; −∞ where the objective was not
  /// finite.
  package var reductionRatio = 0.0
  /// The part of the direction that was taken; 0 where no part of it lowered the objective.
  package var stepLength = 0.0
  /// The objective before the step.
  package var objective = 0.0
  /// The objective behind the step, as the line search left it.
  package var newObjective = 0.0
  /// The time of the step on this rank over that of its gradient: no bit of anything else depends on
  /// it, and it does not count for equality. Nil for a step that was skipped.
  package var costInGradients: Double?

  package init() {}

  package static func == (left: Self, right: Self) -> Bool {
    left.iterations == right.iterations && left.products == right.products
      && left.losses == right.losses && left.damping == right.damping
      && left.reductionRatio == right.reductionRatio && left.stepLength == right.stepLength
      && left.objective == right.objective && left.newObjective == right.newObjective
  }
}
