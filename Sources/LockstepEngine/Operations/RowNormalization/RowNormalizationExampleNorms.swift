internal import CLockstepKernels

extension RowNormalizationGradient: ExampleContraction {
  package var linearInput: Int { 0 }
  package func isShared(_ input: Int) -> Bool { input == 2 }
  package func kinds(
    of results: [TensorType], from inputs: [(type: TensorType, kind: ExampleKind)], examples: Int
  ) -> [ExampleKind] { [.rows, .total, .total] }
  package func exampleNorms(of results: [Int], examples: Int) -> any Operation {
    RowNormalizationExampleNorms(
      gradient: self, examples: examples, scale: results.contains(1), shift: results.contains(2))
  }
}

/// The norm of each example's gradient of a row normalisation by scale and shift, [N], from the inputs of
/// ``RowNormalizationGradient``.
package struct RowNormalizationExampleNorms: Operation {
  package let gradient: RowNormalizationGradient
  package let examples: Int
  /// Whether the gradient by the scale counts, and that by the shift.
  package let scale: Bool
  package let shift: Bool
  package var name: String {
    "norms of \(RowNormalization(epsilon: 0, centers: gradient.centers).name)"
  }
  package var precisionRole: PrecisionRole { .exact }

  package func infer(_ inputs: [TensorType]) throws(GraphError) -> [TensorType] {
    try expect(
      inputs[0].shape[0] % examples == 0, "\(inputs[0].shape[0]) rows of \(examples) examples")
    return [TensorType([examples])]
  }
  package func reverse(_ call: Call, _ gradients: [Tensor?]) -> [Tensor?] {
    call.inputs.map { _ in nil }
  }

  package func evaluate(_ inputs: [HostTensor], _ context: ReferenceContext) -> [HostTensor] {
    let k = inputs[0].shape[0] / examples
    let norms = (0..<examples).map { example in
      let own = inputs.enumerated().map { index, input in
        guard index != 2 else { return input }
        let width = input.values.count / input.shape[0]
        return HostTensor(
          [k] + input.shape.dropFirst(),
          Array(input.values[example * k * width..<(example + 1) * k * width]))
      }
      let parts = gradient.evaluate(own, context)
      func squares(_ part: HostTensor) -> Double { part.values.reduce(0) { $0 + $1 * $1 } }
      return ((scale ? squares(parts[1]) : 0) + (shift ? squares(parts[2]) : 0)).squareRoot()
    }
    return [HostTensor([examples], norms)]
  }
}

extension RowNormalizationExampleNorms: Lowerable {
  func lower(_ site: PlanBuilder.Site, _ plan: PlanBuilder) throws {
    let operands = try site.inputs.map(plan.plain)
    let (rows, columns) = plan.rows(site.inputs[1])
    let k = rows / examples
    let norms = plan.define(site.outputs[0], try .plain([examples]))
    let room = (columns + 15) / 16 * 16
    let sums = plan.scratch(2 * room * MemoryLayout<Double>.stride)
    let unused = plan.scratch(k * columns * MemoryLayout<Float>.stride)
    let kernel = plan.isa.rowKernels.pointee.gradient!
    let operation = self
    plan.emit(operands + [norms, sums, unused], calling: "norms") { addresses in
      let inputs = addresses[..<5].map(\.floats)
      let (norms, sums, unused) = (addresses[5].floats, addresses[6].doubles, addresses[7].floats)
      return { _ in
        for example in 0..<operation.examples {
          let (first, values) = (example * k, example * k * columns)
          sums.update(repeating: 0, count: 2 * room)
          kernel(
            unused, sums, sums + room, inputs[0] + values, inputs[1] + values, inputs[2],
            inputs[3] + first, inputs[4] + first, k, columns, operation.gradient.centers ? 1 : 0)
          var total = 0.0
          for column in 0..<columns {
            if operation.scale { total += sums[column] * sums[column] }
            if operation.shift { total += sums[room + column] * sums[room + column] }
          }
          norms[example] = Float(total.squareRoot())
        }
      }
    }
  }
}
