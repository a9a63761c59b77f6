import LockstepEngine
import LockstepOptimization

extension ModelSource {
  /// The constraint of each trainable parameter: a rule's, or else its layer's own.
  ///
  /// - Throws: `HyperparameterError` where a rule is about nothing that moves, or where one about heads is not about
  ///   all that makes them.
  package func constraints(by rules: [ConstraintRule]) throws -> [WeightConstraint?] {
    let constraints = try ConstraintRule.resolve(
      rules, specifications: memory.specifications, layout: memory.trainableLayout)
    try QueryKeyClip.check(
      constraints, memory.trainableLayout, frozen: memory.frozenLayout, starts: stepsBeforeMoving)
    return constraints
  }
}
