/// A graph of ONNX operators: nodes in an order in which they can be computed, and the values that are
/// known in advance.
package struct ONNXGraph: Sendable {
  /// An input or a result of the graph.
  package struct Port: Sendable, Equatable {
    package var name: String
    /// The type of the values; nil where it is none that Lockstep has.
    package var scalar: ONNXTensor.Scalar?
    /// The dimensions; nil where the file does not tell.
    package var shape: [Dimension]?

    package init(_ name: String, _ scalar: ONNXTensor.Scalar?, _ shape: [Dimension]?) {
      self.name = name
      self.scalar = scalar
      self.shape = shape
    }
  }

  /// A dimension of a value.
  package enum Dimension: Sendable, Equatable {
    case fixed(Int)
    /// As large as whoever runs the graph wishes, by the name of the size.
    case free(String)
  }

  package struct Initializer: Sendable {
    package var name: String
    package var tensor: ONNXTensor

    package init(_ name: String, _ tensor: ONNXTensor) {
      self.name = name
      self.tensor = tensor
    }
  }

  package var nodes: [ONNXNode] = []
  package var initializers: [Initializer] = []
  package var inputs: [Port] = []
  package var outputs: [Port] = []
  /// For values that an exporter has computed in advance: the names of what they were computed from.
  package var origins: [String: [String]] = [:]

  package init() {}
}
