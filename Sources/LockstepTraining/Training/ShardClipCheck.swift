import LockstepFold
import LockstepOptimization

extension TrainingOptions {
  /// Refuses what a limit of shards' gradients cannot be combined with.
  ///
  /// - Throws: ``StepError/badOption(key:value:expected:)``.
  func checkShardClip() throws {
    guard let shardClip else { return }
    try HyperparameterRange.positive.check("perShard", "norm", shardClip.norm)
    func refusal(_ expected: String) -> StepError {
      .badOption(key: "clip", value: "perShard", expected: expected)
    }
    if hessianFree != nil {
      throw refusal(
        "another one for a Hessian-free step, whose products are those of the whole batch")
    }
    if privacy != nil {
      throw refusal(
        "left out of a private training: with one example a shard's other gradients change, which the noise "
          + "does not hide")
    }
  }
}
