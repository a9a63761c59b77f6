internal import CLockstepKernels
internal import COneDNN

extension Dropout: Lowerable {
  func lower(_ site: PlanBuilder.Site, _ plan: PlanBuilder) throws {
    let source = try plan.plainAsComputed(site.inputs[0])
    let isRounded = source.descriptor.storage == .bfloat16
    let result = plan.define(
      site.outputs[0], source.descriptor, reusing: site.inputs[0], in: site)
    let (rows, columns) = plan.rows(site.inputs[0])
    let kernels = plan.isa.kernels.pointee
    plan.emit([source, result]) { addresses in
      let (x, y) = (addresses[0], addresses[1])
      return { context in
        var mask = mask(context)
        if isRounded {
          kernels.dropout_bf16(y.halves, x.halves, rows, columns, &mask)
        } else {
          kernels.dropout(y.floats, x.floats, rows, columns, &mask)
        }
      }
    }
  }
}

extension Dropout {
  /// What a step's masks follow from.
  func mask(_ context: RunContext) -> lockstep_dropout {
    lockstep_dropout(
      key_low: UInt32(truncatingIfNeeded: context.seed) ^ (key &* 0x9E37_79B9),
      key_high: UInt32(truncatingIfNeeded: context.seed >> 32),
      step_low: UInt32(truncatingIfNeeded: context.step),
      step_high: UInt32(truncatingIfNeeded: context.step >> 32),
      first_example: UInt32(truncatingIfNeeded: context.firstExample),
      threshold: UInt32(Double(rate) * 0x1p32), scale: 1 / (1 - rate))
  }
}

extension Dropout: ShardwiseLowerable {
  /// An element's mask follows from its example's place in the batch.
  func isShardwise(_ site: PlanBuilder.Site, _ plan: PlanBuilder) -> Bool {
    plan.factor == .float32 && plan.arePerExample(site.inputs)
  }
}
