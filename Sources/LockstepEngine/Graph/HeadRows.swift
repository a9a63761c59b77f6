// Which rows of which parameters make the queries and the keys of an attention's heads, so that a constraint
// can act on one head.

/// Rows of a parameter that make the queries of an attention's heads, or their keys.
package struct HeadRows: Sendable, Equatable {
  /// What rows make.
  package enum Part: Sendable {
    case queries, keys
  }

  package let part: Part
  /// The first head's first row; the others follow.
  package let firstRow: Int
  /// The number of heads.
  package let heads: Int
  /// The number of rows of a head.
  package let width: Int
  /// The place of the first head among the heads of all attentions of the trace.
  package let firstHead: Int

  package init(_ part: Part, firstRow: Int, heads: Int, width: Int, firstHead: Int) {
    self.part = part
    self.firstRow = firstRow
    self.heads = heads
    self.width = width
    self.firstHead = firstHead
  }

  /// The rows of a head.
  package func rows(of head: Int) -> Range<Int> {
    firstRow + head * width..<firstRow + (head + 1) * width
  }
}

extension Graph {
  /// The rows of each parameter that make queries or keys, in the order of ``parameters``.
  ///
  /// Only attentions count whose queries and keys are linear maps, turned by positions or not: with anything
  /// else in between, scaling the rows would not scale the logits. Scalings of rows act on weights and biases
  /// alike, and so both have them.
  package func headRows() -> [[HeadRows]] {
    var found: [[HeadRows]] = parameters.map { _ in [] }
    var firstHead = 0
    for node in nodes {
      guard let attention = node.operation as? Attention else { continue }
      defer { firstHead += attention.heads }
      let width = Attention.Sizes(attention, node.inputs.map { values[$0].type }).width
      let columns = attention.isPacked ? width : 0
      guard
        let queries = sources(of: node.inputs[0], column: 0, headWidth: width / attention.heads),
        let keys = sources(
          of: node.inputs[attention.isPacked ? 0 : 1], column: columns,
          headWidth: width / attention.heads)
      else { continue }
      for (part, sources) in [(HeadRows.Part.queries, queries), (.keys, keys)] {
        for source in sources {
          found[source.parameter].append(
            HeadRows(
              part, firstRow: source.row, heads: attention.heads,
              width: width / attention.heads, firstHead: firstHead))
        }
      }
    }
    return found
  }

  /// The largest logit of each head of all attentions of the trace, scalars in the order of
  /// ``HeadRows/firstHead``. Of sequences that are padded the positions count that there are.
  package func largestLogits() -> [Tensor] {
    let layer = scope
    defer { scope = layer }
    return nodes.flatMap { node -> [Tensor] in
      guard let attention = node.operation as? Attention else { return [] }
      scope = node.scope
      let sizes = Attention.Sizes(attention, node.inputs.map { values[$0].type })
      var lengths: Tensor?
      if attention.isPacked, node.inputs.count > 1 {
        lengths = Tensor(graph: self, id: node.inputs[1])
      } else if let sequences, sequences.positions == sizes.queries {
        lengths = sequences.lengths
      }
      let operation = LargestLogits(
        heads: attention.heads, scale: 1 / Float(sizes.width / attention.heads).squareRoot())
      return apply(
        operation, [Tensor(graph: self, id: node.outputs[1])] + (lengths.map { [$0] } ?? []))
    }
  }

  /// The weight, and the bias if there is one, of the linear map that makes columns of a value, and the row of
  /// each that makes the first one; nil where something else makes them.
  private func sources(
    of value: ValueID, column: Int, headWidth: Int
  ) -> [(parameter: Int, row: Int)]? {
    guard let producer = values[value].producer else { return nil }
    let node = nodes[producer]
    let shape = values[value].type.shape
    switch node.operation {
    case let rotary as Rotary where headWidth % rotary.headWidth == 0:
      return sources(of: node.inputs[0], column: column, headWidth: headWidth)
    case is Reshape where values[node.inputs[0]].type.shape.last == shape.last:
      return sources(of: node.inputs[0], column: column, headWidth: headWidth)
    case let slice as Slice:
      let isOfColumns = slice.axis == shape.count - 1
      return sources(
        of: node.inputs[0], column: column + (isOfColumns ? slice.start : 0), headWidth: headWidth)
    case is LinearMap:
      let found = node.inputs.dropFirst().compactMap { parameterRow(of: $0, row: column) }
      return found.count == node.inputs.count - 1 ? found : nil
    default: return nil
    }
  }

  /// The parameter that a value is rows of, and where its row lies there; nil for anything else.
  private func parameterRow(of value: ValueID, row: Int) -> (parameter: Int, row: Int)? {
    for case (value, .parameter(let index)) in leaves { return (index, row) }
    guard let producer = values[value].producer,
      let slice = nodes[producer].operation as? Slice, slice.axis == 0
    else { return nil }
    return parameterRow(of: nodes[producer].inputs[0], row: row + slice.start)
  }
}
