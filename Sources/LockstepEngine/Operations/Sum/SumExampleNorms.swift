internal import CLockstepKernels

extension Sum: ExampleContraction {
  package var linearInput: Int { 0 }
  package func kinds(
    of results: [TensorType], from inputs: [(type: TensorType, kind: ExampleKind)], examples: Int
  ) -> [ExampleKind] { [axes.contains(0) ? .total : .rows] }
  package func exampleNorms(of results: [Int], examples: Int) -> any Operation {
    SumExampleNorms(axes: axes, examples: examples)
  }
}

/// The norm of each example's part of a sum over rows, [N]: x [N · k, …] is added up over some axes, the first
/// among them.
package struct SumExampleNorms: Operation {
  package let axes: [Int]
  package let examples: Int
  package var name: String { "norms of sum" }
  package var precisionRole: PrecisionRole { .exact }

  package func infer(_ inputs: [TensorType]) throws(GraphError) -> [TensorType] {
    try expect(
      axes.contains(0) && inputs[0].shape[0] % examples == 0,
      "\(inputs[0].shape) of \(examples) examples, added up over the axes \(axes)")
    return [TensorType([examples])]
  }
  package func reverse(_ call: Call, _ gradients: [Tensor?]) -> [Tensor?] { [nil] }

  /// For each value of an example where it is added to, and how many such places there are.
  private func places(_ shape: [Int]) -> (place: [Int32], count: Int) {
    let own = [shape[0] / examples] + shape.dropFirst()
    let kept = own.indices.map { axes.contains($0) ? 1 : own[$0] }
    let strides = zip(rowMajorStrides(kept), kept).map { $1 == 1 ? 0 : $0 }
    return (
      positions(of: own, strides: strides).map { Int32($0) }, kept.reduce(1, *)
    )
  }

  package func evaluate(_ inputs: [HostTensor], _ context: ReferenceContext) -> [HostTensor] {
    let (place, count) = places(inputs[0].shape)
    let norms = (0..<examples).map { example in
      var sums = [Double](repeating: 0, count: count)
      for (index, to) in place.enumerated() {
        sums[Int(to)] += inputs[0].values[example * place.count + index]
      }
      return sums.reduce(0) { $0 + $1 * $1 }.squareRoot()
    }
    return [HostTensor([examples], norms)]
  }
}

extension SumExampleNorms: Lowerable {
  func lower(_ site: PlanBuilder.Site, _ plan: PlanBuilder) throws {
    let source = try plan.plain(site.inputs[0])
    let norms = plan.define(site.outputs[0], try .plain([examples]))
    let shape = plan.type(site.inputs[0]).shape
    if axes == [0], shape[0] == examples { return lowerRows(source, shape, norms, plan) }
    let (place, count) = places(shape)
    let sums = plan.scratch(count * MemoryLayout<Double>.stride)
    let examples = examples
    plan.emit([source, norms, sums], calling: "norms") { addresses in
      let (x, norms, sums) = (addresses[0].floats, addresses[1].floats, addresses[2].doubles)
      return { _ in
        for example in 0..<examples {
          let values = x + example * place.count
          sums.update(repeating: 0, count: count)
          for index in place.indices { sums[Int(place[index])] += Double(values[index]) }
          var total = 0.0
          for index in 0..<count { total += sums[index] * sums[index] }
          norms[example] = Float(total.squareRoot())
        }
      }
    }
  }

  /// Where nothing of an example is added up.
  private func lowerRows(
    _ source: Memory, _ shape: [Int], _ norms: Memory, _ plan: PlanBuilder
  ) {
    let columns = shape.dropFirst().reduce(1, *)
    let (examples, squares) = (examples, plan.isa.sumOfSquares)
    plan.emit([source, norms], calling: "norms") { addresses in
      let (x, norms) = (addresses[0].floats, addresses[1].floats)
      return { _ in
        for example in 0..<examples {
          norms[example] = Float(squares(x + example * columns, columns).squareRoot())
        }
      }
    }
  }
}
