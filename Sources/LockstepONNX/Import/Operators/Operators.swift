import LockstepEngine

/// The operators that are trained, family by family.
enum Operators {
  /// The results of a node; nil where its operator is not among these.
  static func run(_ call: OperatorCall) throws(GraphError) -> [ImportedValue]? {
    if let result = try elementwise(call) { return result }
    if let result = try matrices(call) { return result }
    if let result = try convolutions(call) { return result }
    if let result = try normalizations(call) { return result }
    if let result = try shapes(call) { return result }
    if let result = try reductions(call) { return result }
    if let result = try sequences(call) { return result }
    return try recurrent(call)
  }

  /// The one result of an operator, where the examples stay in their axis.
  static func one(_ tensor: Tensor, like input: BatchedTensor) -> [ImportedValue] {
    [.tensor(BatchedTensor(tensor, input.place))]
  }
}

extension OperatorCall {
  /// The results of the node: what is known in advance, or operations of the trace.
  func results() throws(GraphError) -> [ImportedValue] {
    do throws(GraphError) {
      guard node.domain.isEmpty else { throw GraphError(unsupported) }
      if let result = try constantResult() { return result }
      guard let result = try Operators.run(self) else { throw GraphError(unsupported) }
      return result
    } catch {
      throw GraphError("\(node.place): \(error.description)")
    }
  }

  private var unsupported: String {
    let set = node.domain.isEmpty ? "" : " of '\(node.domain)'"
    return
      "the operator \(node.type)\(set) is not among those that Lockstep trains (docs/onnx.md has the list): "
      + "replace that part of the model, and export it anew"
  }

  /// The result where all inputs are known.
  private func constantResult() throws(GraphError) -> [ImportedValue]? {
    var known: [ONNXTensor?] = []
    for input in node.inputs.indices {
      guard has(input) else {
        known.append(nil)
        continue
      }
      if node.type == "Shape" || node.type == "Size" {
        let shape = try shape(input)
        known.append(ONNXTensor([shape.count], integers: shape))
        continue
      }
      if node.type == "CastLike", input == 1 { continue }
      guard case .constant(let tensor) = try value(input) else { return nil }
      known.append(tensor)
    }
    let likeFloat: Bool? = try node.type == "CastLike" ? isFloat(1) : nil
    return try ConstantOperators.evaluate(node, known, likeFloat: likeFloat)?
      .map { .constant($0) }
  }

  private func isFloat(_ input: Int) throws(GraphError) -> Bool {
    switch try value(input) {
    case .constant(let tensor): tensor.isFloat
    case .tensor(let tensor): tensor.tensor.type.scalar == .float32
    default: true
    }
  }
}
