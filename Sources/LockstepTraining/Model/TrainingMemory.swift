import LockstepState
import LockstepFold
import LockstepDatasets
import LockstepEngine
import LockstepOptimization

extension ModelSource {
  /// What a training will ask for beside the model's own memory, from what its plans say.
  ///
  /// - Parameters:
  ///   - plan: how its gradients are folded.
  ///   - rank: this rank.
  ///   - ranksOnNode: how many ranks share a folded arena.
  ///   - shardSizes: the numbers of examples of shards, or of their micro-batches.
  ///   - evaluationSizes: those of evaluations' shards.
  /// - Throws: ``GraphError``.
  package func trainingNeed(
    _ plan: FoldPlan, rank: Int, ranksOnNode: Int, shardSizes: Set<Int>, evaluationSizes: Set<Int>
  ) throws -> MemoryNeed {
    var need = MemoryNeed()
    let leaf = layout.count
    need.add("sums of gradients", values: plan.layout.count, times: plan.subtrees[rank].count)
    if plan.ranks > 1 {
      need.add("the folded gradient", values: plan.layout.count / max(ranksOnNode, 1))
    }
    need.add("a shard's gradient", values: leaf, times: lanes.count)
    // Plans keep weights of their own; lanes of all plans keep activations.
    var (activations, packed) = (0, 0)
    for size in shardSizes where size > 0 {
      for form in model.forms {
        let bytes = try planBytes(form, examples: size, trains: true)
        activations += bytes.lane
        packed += bytes.packed
      }
    }
    for size in evaluationSizes where size > 0 {
      let bytes = try planBytes(model.forms[model.forms.count - 1], examples: size, trains: false)
      need.add("activations of an evaluation", values: bytes.lane, of: 1)
      packed += bytes.packed
    }
    need.add("packed weights", values: packed, of: 1)
    let rows = (dataset.streams ?? 0) / plan.ranks + 1
    need.add("carried states", values: CarriedStates.valueCount(model.carried, rows: rows))
    // Shards that see each other are computed side by side.
    let side = isJoint ? max(plan.shardRuns[rank].count, 1) : lanes.count
    need.add("activations", values: activations, of: 1, times: side)
    return need
  }

  /// The bytes of a plan for so many examples, and of a lane of it.
  private func planBytes(
    _ form: BatchForm, examples: Int, trains: Bool
  ) throws -> (lane: Int, packed: Int) {
    let objective = try form.trace(examples, trains)
    let program =
      trains
      ? try model.program(of: objective)
      : try Program(
        evaluating: objective.loss.graph, scalars: objective.scalars,
        outputs: [objective.output] + objective.carriedOutputs)
    return try Plan.bytes(program, isa: model.isa, options: model.options)
  }
}

extension Sampler {
  /// The numbers of examples that shards have in the batches of an epoch, and their micro-batches.
  ///
  /// - Parameters:
  ///   - steps: the steps of the run, where it may end before its first epoch does.
  ///   - areAlone: whether examples are computed one by one.
  package func shardSizes(
    shards: Int, microBatches: Int, steps: Int? = nil, areAlone: Bool = false
  ) -> Set<Int> {
    if areAlone { return [1] }
    var sizes: Set<Int> = []
    for batch in poisson?.filledSizes(shards: shards) ?? batchSizes(ofSteps: steps) {
      let shape = StepBatch(
        step: 0, epoch: 0, examples: Array(0..<batch)[...], shards: shards,
        microBatches: microBatches)
      for shard in 0..<shards {
        for microBatch in 0..<microBatches {
          sizes.insert(shape.positions(ofShard: shard, microBatch: microBatch).count)
        }
      }
    }
    return sizes
  }
}

extension UpdateRule {
  /// The bytes of the state that an update of all parameters keeps of them, block by block, from a rule that owns
  /// none.
  package var stateBytes: Int {
    state.reduce(-matrixStateBytes(of: layout.slots.indices)) { sum, entry in
      guard case .arena(_, let layout) = entry.storage else { return sum }
      return sum + layout.count * MemoryLayout<Float>.stride
    }
  }

  /// The values of what it takes as matrices.
  package var matrixValues: Int {
    zip(layout.slots, matrixOperations).reduce(0) { $0 + ($1.1 == nil ? 0 : $1.0.count) }
  }
}

extension MemoryNeed {
  /// What a model takes.
  package init(model memory: ModelMemory) {
    add("parameters", values: memory.parameters.count)
    add("running statistics", values: memory.statisticLayout.count)
  }
}
