import LockstepCollective

extension Collective {
  /// How gradients travel between nodes where not as sums: as factors. Nil where all are sums, as on one
  /// node.
  ///
  /// - Parameters:
  ///   - source: the model; where its shards' norms are limited, nothing is made of factors.
  ///   - plan: how its gradients are folded.
  ///   - nonFinite: where single shards are looked at, nothing is made of factors.
  ///   - batchSize: the global one, of all batches but a tail.
  ///   - microBatches: of each shard.
  package func wireForm(
    of source: any GradientSource, _ plan: FoldPlan, nonFinite: NonFinitePolicy, batchSize: Int,
    microBatches: Int = 1
  ) throws -> WireForm? {
    guard nodes.count > 1, nonFinite.repair == nil, source.shardNorms == nil,
      let source = source as? any SufficientFactorSource
    else { return nil }
    let batch = StepBatch(
      step: 0, epoch: 0, examples: Array(0..<batchSize)[...], shards: plan.shards,
      microBatches: microBatches)
    return try source.sufficientFactors(of: batch, travel: true).map { factors in
      WireForm(
        form: "factors", names: factors.slots.map { plan.layout.slots[$0].name },
        operations: factors.operations)
    }
  }
}
