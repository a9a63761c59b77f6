/// What a value of a graph has to do with the examples of its batch.
package enum ExampleKind: Sendable, Equatable {
  /// It is made of parameters and constants.
  case shared
  /// The first axis is k · N long: the first k rows are the first example's, and nobody else's, and so on.
  case rows
  /// It is a sum over examples.
  case total
  /// Examples see each other.
  case mixed
  /// It is made in a way that is not known.
  case unknown
}

/// An operation of which it is known which rows of its results belong to which example.
package protocol RowwiseOperation: Operation {
  /// What its results are.
  ///
  /// - Parameters:
  ///   - results: their types.
  ///   - inputs: of which one at least has rows, and the others have rows or are shared.
  ///   - examples: N.
  func kinds(
    of results: [TensorType], from inputs: [(type: TensorType, kind: ExampleKind)], examples: Int
  ) -> [ExampleKind]

  /// Whether an input must be the same for all examples.
  func isShared(_ input: Int) -> Bool
}

extension RowwiseOperation {
  /// Rows are treated by themselves: results have as many as the inputs that have some.
  package func kinds(
    of results: [TensorType], from inputs: [(type: TensorType, kind: ExampleKind)], examples: Int
  ) -> [ExampleKind] {
    let rows = inputs.filter { $0.kind == .rows }.map { $0.type.shape.first }
    return results.map { result in
      rows.allSatisfy { $0 == result.shape.first } ? .rows : .unknown
    }
  }

  package func isShared(_ input: Int) -> Bool { false }
}

/// An operation that adds up what it makes of each example, and is linear in one of its inputs: the gradient of
/// something by parameters that all examples share.
package protocol ExampleContraction: RowwiseOperation {
  /// The input that it is linear in.
  var linearInput: Int { get }

  /// The operation that gives the norm of each example's part of some results, [N], from the same inputs.
  ///
  /// - Parameters:
  ///   - results: the indices of the results that count.
  ///   - examples: N.
  func exampleNorms(of results: [Int], examples: Int) -> any Operation
}

extension Graph {
  /// What each value has to do with the examples.
  package func exampleKinds() -> [ExampleKind] {
    var kinds = [ExampleKind](repeating: .shared, count: values.count)
    for (id, leaf) in leaves {
      switch leaf {
      case .input: kinds[id] = values[id].type.shape.first == batchCount ? .rows : .unknown
      case .vector: kinds[id] = .unknown
      case .parameter, .statistic, .constant, .table: break
      }
    }
    for node in nodes {
      let found = exampleKinds(of: node, kinds)
      for (output, kind) in zip(node.outputs, found) { kinds[output] = kind }
    }
    return kinds
  }

  private func exampleKinds(of node: Node, _ known: [ExampleKind]) -> [ExampleKind] {
    let inputs = node.inputs.map { known[$0] }
    func all(_ kind: ExampleKind) -> [ExampleKind] { node.outputs.map { _ in kind } }
    if inputs.contains(.mixed) { return all(.mixed) }
    if inputs.contains(.unknown) { return all(.unknown) }
    guard inputs.contains(.rows) else { return all(inputs.contains(.total) ? .total : .shared) }
    if inputs.contains(.total) { return all(.mixed) }
    guard let operation = node.operation as? any RowwiseOperation else { return all(.unknown) }
    for (index, kind) in inputs.enumerated() where operation.isShared(index) && kind != .shared {
      return all(.unknown)
    }
    return operation.kinds(
      of: node.outputs.map { values[$0].type },
      from: zip(node.inputs, inputs).map { (values[$0].type, $1) }, examples: batchCount)
  }
}
