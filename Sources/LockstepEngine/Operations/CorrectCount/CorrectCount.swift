internal import CLockstepKernels

/// The number of examples whose prediction is right, as a Float32 scalar.
package struct CorrectCount: Operation {
  package enum Kind: Sendable, Equatable {
    /// The largest of x [N, C] is at the label (the first of equal ones counts).
    case argmax
    /// x > 0 exactly where the target is > 0.5; x, targets of one shape.
    case sign
  }

  package let kind: Kind
  package var name: String { "correct predictions" }
  package var precisionRole: PrecisionRole { .exact }
  package func acceptsIntegers(_ input: Int) -> Bool { input == 1 }
  package func placeholders(_ inputs: [TensorType]) -> [TensorType] { [TensorType([])] }

  package func infer(_ inputs: [TensorType]) throws(GraphError) -> [TensorType] {
    switch kind {
    case .argmax:
      try expect(
        inputs[0].shape.count == 2 && inputs[1] == TensorType([inputs[0].shape[0]], .int32),
        "expects logits [N, C] and N integer labels")
    case .sign:
      try expect(inputs[0] == inputs[1], "expects predictions and targets of one shape")
    }
    return [TensorType([])]
  }
  package func reverse(_ call: Call, _ gradients: [Tensor?]) -> [Tensor?] {
    call.inputs.map { _ in nil }
  }
}

extension CorrectCount {
  /// A count is constant almost everywhere.
  package func tangent(_ call: Call, _ tangents: [Tensor?]) -> [Tensor?]? { [nil] }
}

extension CorrectCount {
  package func evaluate(_ inputs: [HostTensor], _ context: ReferenceContext) -> [HostTensor] {
    let (x, target) = (inputs[0], inputs[1])
    let correct: Int
    switch kind {
    case .argmax:
      correct = zip(rows(of: x), target.values).count { row, label in
        let best = row.indices.reduce(0) { row[$1] > row[$0] ? $1 : $0 }
        return Double(best) == label
      }
    case .sign:
      correct = zip(x.values, target.values).count { ($0 > 0) == ($1 > 0.5) }
    }
    return [HostTensor([], [Double(correct)])]
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

extension CorrectCount: ShardwiseLowerable {
  func isShardwise(_ site: PlanBuilder.Site, _ plan: PlanBuilder) -> Bool {
    plan.arePerExample(site.inputs)
      && plan.useCount(of: site.outputs[0]) == plan.readOutCount(of: site.outputs[0])
  }
}
