import LockstepEngine

/// One node, as the operators see it: its inputs and attributes.
struct OperatorCall {
  let node: ONNXNode
  let index: Int
  let trace: GraphTrace

  var graph: Graph { trace.graph }

  // MARK: Inputs

  /// Whether an input is given.
  func has(_ input: Int) -> Bool { input < node.inputs.count && !node.inputs[input].isEmpty }

  /// The value of an input: a weight, or what was computed.
  func value(_ input: Int) throws(GraphError) -> ImportedValue {
    guard has(input) else { throw GraphError("its input \(input) is missing") }
    switch trace.imported.bindings[InputPlace(node: index, input: input)] {
    case .direct(let name)?: return .tensor(BatchedTensor(try trace.parameter(name)))
    case .transposed(let name)?: return .turned(try trace.parameter(name))
    case .directions?, .biases?, nil: return try trace.value(named: node.inputs[input])
    }
  }

  /// What the weights of a recurrent layer are.
  func binding(_ input: Int) -> WeightBinding? {
    trace.imported.bindings[InputPlace(node: index, input: input)]
  }

  /// An input as a tensor.
  func batched(_ input: Int) throws(GraphError) -> BatchedTensor {
    try trace.tensor(value(input), in: node)
  }

  func tensor(_ input: Int) throws(GraphError) -> Tensor { try batched(input).tensor }

  func shape(_ input: Int) throws(GraphError) -> [Int] {
    switch try value(input) {
    case .constant(let tensor): tensor.shape
    case .turned(let weight): weight.shape.reversed()
    case .product(let x, let weight): x.shape.dropLast() + [weight.shape[0]]
    case .tensor(let tensor): tensor.shape
    case .sequence: throw GraphError("a list of tensors has no shape")
    }
  }

  /// The numbers of an input that is known; nil where it is not given.
  func constant(_ input: Int) throws(GraphError) -> ONNXTensor? {
    guard has(input) else { return nil }
    guard case .constant(let tensor) = try value(input) else {
      throw GraphError(
        "its input \(input), '\(node.inputs[input])', follows from the examples' values, and must be known "
          + "in advance here")
    }
    return tensor
  }

  /// The integers of an input that is known; nil where it is not given.
  func integers(_ input: Int) throws(GraphError) -> [Int]? {
    guard let tensor = try constant(input) else { return nil }
    guard let integers = tensor.integers else {
      throw GraphError("its input \(input), '\(node.inputs[input])', is not of integers")
    }
    return integers
  }

  // MARK: Attributes

  func integer(_ name: String, _ fallback: Int) -> Int {
    if case .integer(let value)? = node[name] { value } else { fallback }
  }

  func integers(attribute name: String) -> [Int]? {
    if case .integers(let values)? = node[name] { values } else { nil }
  }

  func float(_ name: String, _ fallback: Float) -> Float {
    if case .float(let value)? = node[name] { value } else { fallback }
  }

  func string(_ name: String, _ fallback: String) -> String {
    if case .string(let value)? = node[name] { value } else { fallback }
  }

  /// An axis of a tensor of so many axes, counted from the end where it is negative.
  func axis(_ axis: Int, of rank: Int) throws(GraphError) -> Int {
    let place = axis < 0 ? axis + rank : axis
    guard place >= 0, place < rank else {
      throw GraphError("there is no axis \(axis) of \(rank)")
    }
    return place
  }

  /// Axes that older versions of the operators have as an attribute, and newer ones as an input.
  func axes(input: Int) throws(GraphError) -> [Int]? {
    if let axes = integers(attribute: "axes") { return axes }
    return try integers(input)
  }
}
