import LockstepFold
import LockstepOptimization

extension ModelSource {
  /// Where a training takes its gradients, if not at the parameters.
  ///
  /// - Throws: ``StepError/badOption(key:value:expected:)`` where that cannot be combined with the rest,
  ///   `HyperparameterError`.
  func sharpness(_ options: TrainingOptions) throws -> SharpnessAware? {
    guard let sharpness = options.sharpness else { return nil }
    try sharpness.validate()
    func refusal(_ expected: String) -> StepError {
      .badOption(key: "sam", value: "given", expected: expected)
    }
    if options.exampleClip != nil {
      throw refusal("left out where the gradients of single examples are limited ('perExample')")
    }
    if options.shardClip != nil {
      throw refusal("left out where the gradients of single shards are limited ('perShard')")
    }
    if options.nonFinite.repair != nil {
      throw refusal(
        "left out where examples that are not finite are taken out of a step: set 'nonFinite' to 'stop' or "
          + "'skip'")
    }
    if carriesStates {
      throw refusal("left out of a model that carries states from batch to batch")
    }
    return sharpness
  }
}
