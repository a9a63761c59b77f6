import LockstepEngine
import LockstepFiles

/// What an ONNX file holds: a graph, and what is said about it.
package struct ONNXModel: Sendable {
  /// The graph, functions put in place of their calls.
  package var graph: ONNXGraph
  /// The version of ONNX's own operators that the graph is written with.
  package var operatorSet: Int
  /// The program that wrote it.
  package var producer: String
  /// What the writer says about it, by keys, in order.
  package var metadata: [(key: String, value: String)]
  /// The files of its folder that hold weights, by their places from there.
  package var externalFiles: [String] = []
  /// The hash of all that was read; nil of a model that comes from no file.
  package var fingerprint: Fingerprint?

  package init(
    graph: ONNXGraph, operatorSet: Int, producer: String = "",
    metadata: [(key: String, value: String)] = []
  ) {
    self.graph = graph
    self.operatorSet = operatorSet
    self.producer = producer
    self.metadata = metadata
  }
}

/// A function of a file: a graph that nodes call by its name.
struct ONNXFunction {
  let domain: String
  let name: String
  let inputs: [String]
  let outputs: [String]
  /// Values of attributes where a call gives none.
  let defaults: [ONNXAttribute]
  let nodes: [ONNXNode]
}
