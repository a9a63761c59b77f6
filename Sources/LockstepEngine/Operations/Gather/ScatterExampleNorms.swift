internal import CLockstepKernels

extension ScatterRows: ExampleContraction {
  package var linearInput: Int { 0 }
  package func kinds(
    of results: [TensorType], from inputs: [(type: TensorType, kind: ExampleKind)], examples: Int
  ) -> [ExampleKind] { [.total] }
  package func exampleNorms(of results: [Int], examples: Int) -> any Operation {
    ScatterExampleNorms(scatter: self, examples: examples)
  }
}

/// The norm of each example's gradient by a table that it chose rows from, [N]: what it adds to one row is added up
/// first.
package struct ScatterExampleNorms: Operation {
  package let scatter: ScatterRows
  package let examples: Int
  package var name: String { "norms of gather" }
  package var precisionRole: PrecisionRole { .exact }
  package func acceptsIntegers(_ input: Int) -> Bool { input == 1 }

  package func infer(_ inputs: [TensorType]) throws(GraphError) -> [TensorType] {
    try expect(
      inputs[1].count % examples == 0, "\(inputs[1].count) indices of \(examples) examples")
    return [TensorType([examples])]
  }
  package func reverse(_ call: Call, _ gradients: [Tensor?]) -> [Tensor?] { [nil, nil] }

  package func evaluate(_ inputs: [HostTensor], _ context: ReferenceContext) -> [HostTensor] {
    let places = inputs[1].values.count / examples
    let width = scatter.shape.dropFirst().reduce(1, *)
    let norms = (0..<examples).map { example in
      let own = example * places..<(example + 1) * places
      let rows = own.lowerBound * width..<own.upperBound * width
      let sums = scatter.evaluate(
        [
          HostTensor([places, width], Array(inputs[0].values[rows])),
          HostTensor([places], Array(inputs[1].values[own])),
        ], context)[0]
      return sums.values.reduce(0) { $0 + $1 * $1 }.squareRoot()
    }
    return [HostTensor([examples], norms)]
  }
}

extension ScatterExampleNorms: Lowerable {
  func lower(_ site: PlanBuilder.Site, _ plan: PlanBuilder) throws {
    let (rows, indices) = (try plan.plain(site.inputs[0]), try plan.plain(site.inputs[1]))
    let norms = plan.define(site.outputs[0], try .plain([examples]))
    let (count, padding) = (scatter.shape[0], scatter.padding)
    let width = TensorType(scatter.shape).count / count
    let places = plan.type(site.inputs[1]).count / examples
    // The sum of each index's rows, in the order in which indices first occur.
    let sums = plan.scratch(places * width * MemoryLayout<Float>.stride)
    let known = plan.scratch(places * MemoryLayout<Int32>.stride)
    let add = lockstep_arena_kernels_for(lockstep_isa(rawValue: plan.isa.rawValue)).pointee.add!
    let squares = plan.isa.sumOfSquares
    let examples = examples
    plan.emit([rows, indices, norms, sums, known], calling: "norms") { addresses in
      let (rows, indices, norms) = (
        addresses[0].floats, addresses[1].integers, addresses[2].floats
      )
      let (sums, known) = (addresses[3].floats, addresses[4].integers)
      return { _ in
        for example in 0..<examples {
          var found = 0
          for place in example * places..<(example + 1) * places {
            let index = indices[place]
            guard index >= 0, index < count, Int(index) != padding else { continue }
            let row = rows + place * width
            if let before = (0..<found).first(where: { known[$0] == index }) {
              add(sums + before * width, sums + before * width, row, width)
            } else {
              known[found] = index
              (sums + found * width).update(from: row, count: width)
              found += 1
            }
          }
          norms[example] = Float(squares(sums, found * width).squareRoot())
        }
      }
    }
  }
}
