/// A custom operation as graph and evaluation see it: what it hands back is looked at, so that a mistake in it
/// ends as an error with its name.
struct CustomNode: Operation {
  let base: any CustomOperation
  var name: String { base.name }
  var precisionRole: PrecisionRole { base.precisionRole }
  var outputCount: Int { max(base.resultCount, 0) }
  func acceptsIntegers(_ input: Int) -> Bool { base.acceptsIntegers(input) }

  func infer(_ inputs: [TensorType]) throws(GraphError) -> [TensorType] {
    let types: [TensorType]
    do { types = try base.infer(inputs) } catch { throw GraphError("\(error)") }
    try expect(
      types.count == base.resultCount,
      "infer gives \(types.count) types, and resultCount is \(base.resultCount)")
    return types
  }

  func reverse(_ call: Call, _ gradients: [Tensor?]) -> [Tensor?] {
    let found = base.reverse(inputs: call.inputs, results: call.outputs, gradients: gradients)
    return checked(
      found, "the reverse rule", "gradients", "input", call.inputs, call.inputs[0].graph)
      ?? call.inputs.map { _ in nil }
  }

  func tangent(_ call: Call, _ tangents: [Tensor?]) -> [Tensor?]? {
    base.tangent(inputs: call.inputs, results: call.outputs, tangents: tangents).map { found in
      checked(found, "the forward rule", "tangents", "result", call.outputs, call.inputs[0].graph)
        ?? call.outputs.map { _ in nil }
    }
  }

  /// What a rule gave, where it fits the tensors that it gave it for; else the trace fails, and nil.
  private func checked(
    _ found: [Tensor?], _ rule: String, _ what: String, _ each: String, _ tensors: [Tensor],
    _ graph: Graph
  ) -> [Tensor?]? {
    guard found.count == tensors.count else {
      graph.fail("\(name): \(rule) gives \(found.count) \(what) for \(tensors.count) \(each)s")
      return nil
    }
    for (index, (part, tensor)) in zip(found, tensors).enumerated() {
      guard let part else { continue }
      guard graph.belong([part], to: "\(name): \(rule)") else { return nil }
      guard part.type == TensorType(tensor.shape), tensor.type.scalar == .float32 else {
        graph.fail(
          "\(name): \(rule) gives a tensor of shape \(part.shape) for \(each) \(index), which is "
            + "\(tensor.type.scalar) \(tensor.shape)")
        return nil
      }
    }
    return found
  }

  func evaluate(
    _ inputs: [HostTensor], _ context: ReferenceContext
  ) throws(GraphError) -> [HostTensor] {
    do { return try base.evaluate(inputs) } catch { throw GraphError("\(name): \(error)") }
  }
}
