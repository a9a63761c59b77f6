/// An operator of an ONNX graph, applied to named values.
package struct ONNXNode: Sendable, Equatable {
  /// The operator, `Gemm`.
  package var type: String
  /// The set of operators that it belongs to; empty for ONNX's own.
  package var domain = ""
  /// The node's name; empty where it has none.
  package var name: String
  /// The names of the inputs; an empty one stands for an optional input that is left out.
  package var inputs: [String]
  /// The names of the results; an empty one is not wanted.
  package var outputs: [String]
  /// The attributes, in the order of the file.
  package var attributes: [ONNXAttribute]
  /// Where in a PyTorch model the node comes from, as its exporter tells, `encoder.layers.0`; nil where
  /// it does not.
  package var scope: String?

  package init(
    _ type: String, name: String = "", inputs: [String], outputs: [String],
    attributes: [ONNXAttribute] = []
  ) {
    self.type = type
    self.name = name
    self.inputs = inputs
    self.outputs = outputs
    self.attributes = attributes
  }

  /// The value of an attribute; nil where there is none.
  package subscript(name: String) -> ONNXAttribute.Value? {
    attributes.first { $0.name == name }?.value
  }
}

/// A named constant of a node.
package struct ONNXAttribute: Sendable, Equatable {
  package enum Value: Sendable, Equatable {
    case integer(Int)
    case float(Float)
    case string(String)
    case integers([Int])
    case floats([Float])
    case strings([String])
    case tensor(ONNXTensor)
    /// A graph within, as the file has it.
    case graph([UInt8])
    /// The value of the attribute of this name of the function that the node is in.
    case reference(String)
    /// A kind of value that Lockstep does not read.
    case other
  }

  package var name: String
  package var value: Value

  package init(_ name: String, _ value: Value) {
    self.name = name
    self.value = value
  }

  package static func integer(_ name: String, _ value: Int) -> Self { .init(name, .integer(value)) }
  package static func integers(_ name: String, _ values: [Int]) -> Self {
    .init(name, .integers(values))
  }
  package static func float(_ name: String, _ value: Float) -> Self { .init(name, .float(value)) }
  package static func string(_ name: String, _ value: String) -> Self {
    .init(name, .string(value))
  }
}
