/// The number of examples whose label is among the k largest of x [N, C], as a Float32 scalar. Of equal
/// values the first count.
package struct TopCount: Operation {
  package let largest: Int
  package var name: String { "labels among the \(largest) largest" }
  package var precisionRole: PrecisionRole { .exact }
  package func acceptsIntegers(_ input: Int) -> Bool { input == 1 }
  package func placeholders(_ inputs: [TensorType]) -> [TensorType] { [TensorType([])] }

  package func infer(_ inputs: [TensorType]) throws(GraphError) -> [TensorType] {
    try expect(
      inputs[0].shape.count == 2 && inputs[1] == TensorType([inputs[0].shape[0]], .int32),
      "expects logits [N, C] and N integer labels")
    try expect(largest >= 1, "expects at least 1, got \(largest)")
    return [TensorType([])]
  }

  package func reverse(_ call: Call, _ gradients: [Tensor?]) -> [Tensor?] {
    call.inputs.map { _ in nil }
  }

  /// A count is constant almost everywhere.
  package func tangent(_ call: Call, _ tangents: [Tensor?]) -> [Tensor?]? { [nil] }
}

extension Tensor {
  /// How many of the logits [N, C] have their label [N] among their `largest` largest.
  public func topCount(labels: Tensor, largest: Int) -> Tensor {
    apply(TopCount(largest: largest), labels)
  }
}

extension TopCount {
  package func evaluate(_ inputs: [HostTensor], _ context: ReferenceContext) -> [HostTensor] {
    let count = zip(rows(of: inputs[0]), inputs[1].values).count { row, label in
      let order = row.indices.sorted { (-row[$0], $0) < (-row[$1], $1) }
      return order.prefix(largest).contains(Int(label))
    }
    return [HostTensor([], [Double(count)])]
  }
}

extension TopCount: Lowerable {
  func lower(_ site: PlanBuilder.Site, _ plan: PlanBuilder) throws {
    let memories = try site.inputs.map(plan.plain)
    let result = plan.define(site.outputs[0], try plan.scalars())
    let (all, columns) = plan.rows(site.inputs[0])
    let (shards, rows) = (plan.shards, all / plan.shards)
    let largest = largest
    plan.emit(memories + [result]) { addresses in
      let (x, labels, counts) = (addresses[0].floats, addresses[1].integers, addresses[2].floats)
      return { _ in
        for shard in 0..<shards {
          var found = 0
          for row in shard * rows..<(shard + 1) * rows {
            let label = Int(labels[row])
            let values = x + row * columns
            guard label >= 0, label < columns, !values[label].isNaN else { continue }
            // Values that are not numbers stand in front of nothing.
            var before = 0
            for column in 0..<columns
            where values[column] > values[label]
              || (column < label && values[column] == values[label])
            {
              before += 1
            }
            if before < largest { found += 1 }
          }
          counts[shard] = Float(found)
        }
      }
    }
  }
}

extension TopCount: ShardwiseLowerable {
  func isShardwise(_ site: PlanBuilder.Site, _ plan: PlanBuilder) -> Bool {
    plan.arePerExample(site.inputs)
      && plan.useCount(of: site.outputs[0]) == plan.readOutCount(of: site.outputs[0])
  }
}
