/// An operation that has a form in ONNX: one operator, or a few.
package protocol ONNXConvertible: Operation {
  /// Adds the operators of one application to a graph, and tells it the names of the results.
  ///
  /// - Throws: ``GraphError`` where ONNX has no form for these hyperparameters.
  func convert(_ site: ONNXSite, _ onnx: ONNXGraphBuilder) throws(GraphError)
}

/// One application of an operation that is converted.
package struct ONNXSite {
  /// The names of its inputs in the ONNX graph.
  package let inputs: [String]
  /// Its inputs and results in the graph that was traced.
  package let node: Graph.Node
  /// The dimensions of its inputs and results.
  package let inputShapes: [[ONNXSize]]
  package let outputShapes: [[ONNXSize]]

  /// The result that is wanted most.
  var output: Graph.ValueID { node.outputs[0] }
}

/// A dimension of a value in a graph for any number of examples: a number, or a multiple of that of the
/// examples.
package enum ONNXSize: Sendable, Equatable {
  case fixed(Int)
  /// So many times the number of examples.
  case examples(Int)

  /// The number, where it does not depend on the number of examples.
  var fixed: Int? { if case .fixed(let size) = self { size } else { nil } }
}

extension [ONNXSize] {
  /// The dimensions, where none depends on the number of examples.
  var fixed: [Int]? {
    let sizes = compactMap(\.fixed)
    return sizes.count == count ? sizes : nil
  }
}
