// Which rows of which parameters make the queries and the keys of attentions' heads, so that a constraint can act
// on one head.

/// An operation whose heads compare queries with keys.
protocol HeadOperation: Operation {
  /// The number of heads.
  var heads: Int { get }

  /// The number of columns of a head, and the input and the first column of queries and of keys.
  func headParts(
    _ inputs: [TensorType]
  ) -> (width: Int, queries: (input: Int, column: Int), keys: (input: Int, column: Int))

  /// The largest logit of each head in a batch, scalars.
  func largestLogits(of node: Graph.Node, in graph: Graph) -> [Tensor]
}

/// An operation that leaves the columns of a head side by side, with the scale that they have.
protocol ColumnOperation: Operation {
  /// What makes columns of its result from one on: columns of its first input, or rows of its others, which are
  /// parameters. Nil for anything else.
  func origin(
    ofColumn column: Int, headWidth: Int, from inputs: [TensorType], to result: TensorType
  ) -> ColumnOrigin?

  /// The row of its input that is a row of its result; nil for anything else.
  func origin(ofRow row: Int) -> Int?
}

/// Where columns of a value come from.
enum ColumnOrigin {
  /// From this column of the first input on.
  case column(Int)
  /// From this row of all other inputs on.
  case row(Int)
}

extension ColumnOperation {
  /// Rows are not kept.
  func origin(ofRow row: Int) -> Int? { nil }
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
      guard let operation = node.operation as? any HeadOperation else { continue }
      defer { firstHead += operation.heads }
      let parts = operation.headParts(node.inputs.map { values[$0].type })
      let sides = [(HeadRows.Part.queries, parts.queries), (.keys, parts.keys)].map { part, side in
        (part, sources(of: node.inputs[side.input], column: side.column, headWidth: parts.width))
      }
      guard sides.allSatisfy({ $0.1 != nil }) else { continue }
      for (part, sources) in sides {
        for source in sources ?? [] {
          found[source.parameter].append(
            HeadRows(
              part, firstRow: source.row, heads: operation.heads, width: parts.width,
              firstHead: firstHead))
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
      guard let operation = node.operation as? any HeadOperation else { return [] }
      scope = node.scope
      return operation.largestLogits(of: node, in: self)
    }
  }

  /// The parameters that make columns of a value, and the row of each that makes the first one; nil where something
  /// else makes them.
  private func sources(
    of value: ValueID, column: Int, headWidth: Int
  ) -> [(parameter: Int, row: Int)]? {
    guard let producer = values[value].producer else { return nil }
    let node = nodes[producer]
    let origin = (node.operation as? any ColumnOperation)?.origin(
      ofColumn: column, headWidth: headWidth, from: node.inputs.map { values[$0].type },
      to: values[value].type)
    switch origin {
    case .column(let column):
      return sources(of: node.inputs[0], column: column, headWidth: headWidth)
    case .row(let row):
      let found = node.inputs.dropFirst().compactMap { parameterRow(of: $0, row: row) }
      return found.count == node.inputs.count - 1 ? found : nil
    case nil: return nil
    }
  }

  /// The parameter that a value is rows of, and where its row lies there; nil for anything else.
  private func parameterRow(of value: ValueID, row: Int) -> (parameter: Int, row: Int)? {
    for case (value, .parameter(let index)) in leaves { return (index, row) }
    guard let producer = values[value].producer,
      let row = (nodes[producer].operation as? any ColumnOperation)?.origin(ofRow: row)
    else { return nil }
    return parameterRow(of: nodes[producer].inputs[0], row: row)
  }
}
