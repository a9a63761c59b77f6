internal import CLockstepKernels

/// Rows of a table by their indices: x [V, W], indices […] of Int32, result […, W]. An index outside of 0..<V
/// gives not-a-numbers.
struct RowLookup: Operation, Lowerable {
  var name: String { "row lookup" }
  var precisionRole: PrecisionRole { .neutral }
  func acceptsIntegers(_ input: Int) -> Bool { input == 1 }

  func infer(_ inputs: [TensorType]) throws(GraphError) -> [TensorType] {
    try expect(inputs[0].shape.count == 2, "expects a table [V, W], got \(inputs[0].shape)")
    try expect(inputs[1].scalar == .int32, "expects indices of Int32, got \(inputs[1].scalar)")
    return [TensorType(inputs[1].shape + [inputs[0].shape[1]])]
  }

  func reverse(_ call: Call, _ gradients: [Tensor?]) -> [Tensor?] {
    [gradients[0]?.apply(RowSums(shape: call.inputs[0].shape), call.inputs[1]), nil]
  }

  func tangent(_ call: Call, _ tangents: [Tensor?]) -> [Tensor?]? {
    [tangents[0]?.apply(self, call.inputs[1])]
  }

  func evaluate(_ inputs: [HostTensor], _ context: ReferenceContext) -> [HostTensor] {
    let table = rows(of: inputs[0])
    let values = inputs[1].values.flatMap { index in
      table.indices.contains(Int(index))
        ? table[Int(index)] : table[0].map { _ in Double.nan }
    }
    return [HostTensor(inputs[1].shape + [inputs[0].shape[1]], values)]
  }

  func lower(_ site: PlanBuilder.Site, _ plan: PlanBuilder) throws {
    let (table, indices) = (try plan.plain(site.inputs[0]), try plan.plain(site.inputs[1]))
    let result = plan.define(site.outputs[0], try .plain(plan.type(site.outputs[0])))
    let shape = plan.type(site.inputs[0]).shape
    let places = plan.type(site.inputs[1]).count
    plan.emit([table, indices, result]) { addresses in
      let (table, indices) = (addresses[0].floats, addresses[1].integers)
      let result = addresses[2].floats
      return { _ in
        for place in 0..<places {
          let (to, index) = (result + place * shape[1], Int(indices[place]))
          if index >= 0, index < shape[0] {
            to.update(from: table + index * shape[1], count: shape[1])
          } else {
            to.update(repeating: .nan, count: shape[1])
          }
        }
      }
    }
  }
}

/// The gradient of ``RowLookup`` by its table: each row is the sum of what its places got, in their order.
struct RowSums: Operation, Lowerable {
  let shape: [Int]
  var name: String { "gradient of row lookup" }
  var precisionRole: PrecisionRole { .neutral }
  func acceptsIntegers(_ input: Int) -> Bool { input == 1 }

  func infer(_ inputs: [TensorType]) throws(GraphError) -> [TensorType] { [TensorType(shape)] }

  func reverse(_ call: Call, _ gradients: [Tensor?]) -> [Tensor?] { [nil, nil] }

  func evaluate(_ inputs: [HostTensor], _ context: ReferenceContext) -> [HostTensor] {
    var sums = HostTensor(shape)
    for (place, index) in inputs[1].values.enumerated() where (0..<shape[0]).contains(Int(index)) {
      for column in 0..<shape[1] {
        sums.values[Int(index) * shape[1] + column] +=
          inputs[0].values[place * shape[1] + column]
      }
    }
    return [sums]
  }

  func lower(_ site: PlanBuilder.Site, _ plan: PlanBuilder) throws {
    let (rows, indices) = (try plan.plain(site.inputs[0]), try plan.plain(site.inputs[1]))
    let result = plan.define(site.outputs[0], try .plain(shape))
    let places = plan.type(site.inputs[1]).count
    let add = lockstep_arena_kernels_for(lockstep_isa(rawValue: plan.isa.rawValue)).pointee.add!
    let shape = shape
    plan.emit([rows, indices, result]) { addresses in
      let (rows, indices) = (addresses[0].floats, addresses[1].integers)
      let sums = addresses[2].floats
      return { _ in
        sums.update(repeating: 0, count: shape[0] * shape[1])
        for place in 0..<places {
          let index = Int(indices[place])
          guard index >= 0, index < shape[0] else { continue }
          let sum = sums + index * shape[1]
          add(sum, sum, rows + place * shape[1], shape[1])
        }
      }
    }
  }
}

extension Tensor {
  /// Rows of a table by their indices.
  package func gathered(_ indices: Tensor) -> Tensor { apply(RowLookup(), indices) }
}
