public import LockstepCollective
public import LockstepFold
public import LockstepOptimization

// Steps of models, for training loops of one's own.

extension TrainingStep {
  /// Prepares a step.
  ///
  /// - Parameters:
  ///   - source: the model.
  ///   - update: clipping, optimizer and constraints.
  ///   - nonFinite: what becomes of a step with something that is not finite.
  ///   - shards: the number of logical shards L, a power of two, at least the number of ranks.
  ///   - wire: how gradients travel.
  ///   - collective: the ranks.
  /// - Throws: `FoldPlanError`, `StepError` and what the collective throws.
  public convenience init(
    source: ModelSource, update: UpdateRule, nonFinite: NonFinitePolicy = .stop, shards: Int,
    wire: WirePrecision = .float32, on collective: any Collective
  ) throws {
    try self.init(
      source: source as any GradientSource, update: update as any Update, regularizer: nil,
      nonFinite: nonFinite, shards: shards, wire: wire, on: collective)
  }
}

extension HessianFreeStep {
  /// Prepares a step.
  ///
  /// - Parameters:
  ///   - source: the model.
  ///   - update: clips of the step, and constraints.
  ///   - nonFinite: what becomes of a step whose gradient is not finite; products have no use for
  ///     sanitized shards.
  ///   - shards: the number of logical shards L, a power of two, at least the number of ranks.
  ///   - collective: the ranks.
  /// - Throws: `FoldPlanError`, `StepError` and what the collective throws.
  public convenience init(
    source: ModelSource, update: UpdateRule, options: HessianFreeOptions = HessianFreeOptions(),
    nonFinite: NonFinitePolicy = .stop, shards: Int, on collective: any Collective
  ) throws {
    try self.init(
      source: source as any CurvatureSource, update: update as any Update, options: options,
      nonFinite: nonFinite, shards: shards, on: collective)
  }
}
