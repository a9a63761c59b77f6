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

extension CorrectCount: Lowerable {
  func lower(_ site: PlanBuilder.Site, _ plan: PlanBuilder) throws {
    let memories = try site.inputs.map(plan.plain)
    let result = plan.define(site.outputs[0], try plan.scalars())
    let (all, columns) = plan.rows(site.inputs[0])
    let (shards, rows) = (plan.shards, all / plan.shards)
    let kind = kind
    plan.emit(memories + [result]) { addresses in
      let (x, target, counts) = (addresses[0].floats, addresses[1], addresses[2].floats)
      return { _ in
        for shard in 0..<shards {
          let first = shard * rows
          let x = x + first * columns
          let right =
            switch kind {
            case .argmax: lockstep_count_argmax(x, target.integers + first, rows, columns)
            case .sign: lockstep_count_sign(x, target.floats + first * columns, rows * columns)
            }
          counts[shard] = Float(right)
        }
      }
    }
  }
}

extension Softmax: Lowerable {
  func lower(_ site: PlanBuilder.Site, _ plan: PlanBuilder) throws {
    let source = try plan.plain(site.inputs[0])
    let result = plan.define(site.outputs[0], source.descriptor)
    let (rows, columns) = plan.rows(site.inputs[0])
    let softmax = plan.isa.kernels.pointee.softmax!
    plan.emit([source, result]) { addresses in
      let (x, y) = (addresses[0].floats, addresses[1].floats)
      return { _ in softmax(y, x, rows, columns) }
    }
  }
}

extension PlanBuilder {
  /// The number of examples of a value, and of its elements an example.
  func rows(_ value: Graph.ValueID) -> (Int, Int) {
    let shape = type(value).shape
    return (shape[0], shape.dropFirst().reduce(1, *))
  }
}
