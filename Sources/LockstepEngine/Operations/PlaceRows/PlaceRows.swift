/// A row put in its place among others: rows [N, C, W], a row [N, 1, W] and its place [N, 1] of Int32 in 0..<C,
/// to [N, C, W].
///
/// A plan writes into the memory of an input, which keeps the row for the next run: a run costs one row, and not
/// C. So the rows are an input of the program. A row whose place is outside goes nowhere.
///
/// It is there for evaluation: no gradient flows.
package struct PlaceRows: Operation {
  package var name: String { "place rows" }
  package var precisionRole: PrecisionRole { .exact }
  package func acceptsIntegers(_ input: Int) -> Bool { input == 2 }

  package init() {}

  package func infer(_ inputs: [TensorType]) throws(GraphError) -> [TensorType] {
    let (all, row, place) = (inputs[0].shape, inputs[1].shape, inputs[2])
    try expect(all.count == 3, "expects rows [N, C, W], got \(all)")
    try expect(
      row == [all[0], 1, all[2]], "expects one row [\(all[0]), 1, \(all[2])], got \(row)")
    try expect(
      place == TensorType([all[0], 1], .int32),
      "expects a place [\(all[0]), 1] of Int32, got \(place.shape) of \(place.scalar)")
    return [inputs[0]]
  }

  package func reverse(_ call: Call, _ gradients: [Tensor?]) -> [Tensor?] {
    call.inputs.map { _ in nil }
  }

  package func evaluate(_ inputs: [HostTensor], _ context: ReferenceContext) -> [HostTensor] {
    var all = inputs[0]
    let (count, width) = (all.shape[1], all.shape[2])
    for (example, place) in inputs[2].values.enumerated() {
      guard place >= 0, place < Double(count) else { continue }
      for column in 0..<width {
        all.values[(example * count + Int(place)) * width + column] =
          inputs[1].values[example * width + column]
      }
    }
    return [all]
  }
}

extension PlaceRows: Lowerable {
  func lower(_ site: PlanBuilder.Site, _ plan: PlanBuilder) throws {
    guard case .input? = plan.leafOfValue[site.inputs[0]] else {
      throw GraphError("place rows: only an input keeps its rows from run to run")
    }
    let (all, row, place) = (
      try plan.plain(site.inputs[0]), try plan.plain(site.inputs[1]),
      try plan.plain(site.inputs[2])
    )
    plan.alias(site.outputs[0], to: all)
    let shape = plan.type(site.inputs[0]).shape
    let (count, width) = (shape[1], shape[2])
    plan.emit([all, row, place]) { addresses in
      let (all, row, place) = (addresses[0].floats, addresses[1].floats, addresses[2].integers)
      return { _ in
        for example in 0..<shape[0] {
          let index = Int(place[example])
          guard index >= 0, index < count else { continue }
          (all + (example * count + index) * width)
            .update(from: row + example * width, count: width)
        }
      }
    }
  }
}

extension Graph {
  /// Keeps rows [N, T, width] for the positions behind.
  ///
  /// - Returns: the rows of all positions so far, and behind them what nobody may look at:
  ///   [N, context, width] where one position behind others is traced.
  package func keep(_ rows: Tensor) -> Tensor {
    let name = "\(scope).rows.\(keptRows.count)"
    keptRows.append(KeptRows(name: name, rows: rows))
    guard let place, rows.shape.count == 3 else { return rows }
    let all = input(name, [rows.shape[0], place.context, rows.shape[2]])
    return apply(PlaceRows(), [all, rows, place.position])[0]
  }
}
