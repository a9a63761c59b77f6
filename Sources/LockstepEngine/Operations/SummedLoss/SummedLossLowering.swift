internal import CLockstepKernels

extension SummedLoss: Lowerable {
  func lower(_ site: PlanBuilder.Site, _ plan: PlanBuilder) throws {
    let memories = try site.inputs.map(plan.plain)
    let result = plan.define(site.outputs[0], try plan.scalars())
    let (all, columns) = plan.rows(site.inputs[0])
    let (shards, rows) = (plan.shards, all / plan.shards)
    let kernels = plan.isa.kernels.pointee
    let kind = kind
    plan.emit(memories + [result]) { addresses in
      let losses = addresses.last!.floats
      let hasWeights = addresses.count > 3
      return { _ in
        for shard in 0..<shards {
          let first = shard * rows
          let x = addresses[0].floats + first * columns
          let target = addresses[1].floats + first * columns
          let weights = hasWeights ? addresses[2].floats + first : nil
          let sum =
            switch kind {
            case .softmaxCrossEntropy(let smoothing):
              kernels.softmax_cross_entropy(
                x, addresses[1].integers + first, weights, rows, columns, smoothing)
            case .binaryCrossEntropy:
              kernels.binary_cross_entropy(x, target, weights, rows, columns)
            case .squaredError:
              kernels.squared_error(x, target, weights, rows, columns)
            case .distillation(let temperature):
              kernels.distillation(x, target, weights, rows, columns, temperature)
            }
          losses[shard] = Float(sum)
        }
      }
    }
  }
}

extension SummedLossGradient: Lowerable {
  func lower(_ site: PlanBuilder.Site, _ plan: PlanBuilder) throws {
    let memories = try site.inputs.map(plan.plain)
    let result = plan.define(site.outputs[0], try .plain(plan.type(site.outputs[0])))
    let (rows, columns) = plan.rows(site.inputs[1])
    let kernels = plan.isa.kernels.pointee
    let kind = kind
    plan.emit(memories + [result]) { addresses in
      let (d, x) = (addresses[0].floats, addresses[1].floats)
      let target = addresses[2]
      let weights = addresses.count > 4 ? addresses[3].floats : nil
      let dx = addresses.last!.floats
      return { _ in
        switch kind {
        case .softmaxCrossEntropy(let smoothing):
          kernels.softmax_cross_entropy_gradient(
            dx, d.pointee, x, target.integers, weights, rows, columns, smoothing)
        case .binaryCrossEntropy:
          kernels.binary_cross_entropy_gradient(
            dx, d.pointee, x, target.floats, weights, rows, columns)
        case .squaredError:
          kernels.squared_error_gradient(dx, d.pointee, x, target.floats, weights, rows, columns)
        case .distillation(let temperature):
          kernels.distillation_gradient(
            dx, d.pointee, x, target.floats, weights, rows, columns, temperature)
        }
      }
    }
  }
}

extension SummedLoss: ShardwiseLowerable {
  /// The shards' sums are read out, and nobody else reads them.
  func isShardwise(_ site: PlanBuilder.Site, _ plan: PlanBuilder) -> Bool {
    plan.arePerExample(site.inputs)
      && plan.useCount(of: site.outputs[0]) == plan.readOutCount(of: site.outputs[0])
  }
}

extension SummedLossGradient: ShardwiseLowerable {
  /// All shards have the same gradient by their loss, a constant.
  func isShardwise(_ site: PlanBuilder.Site, _ plan: PlanBuilder) -> Bool {
    plan.graph.values[site.inputs[0]].producer == nil && plan.areShared(site.inputs.prefix(1))
      && plan.arePerExample(site.inputs.dropFirst())
  }
}
