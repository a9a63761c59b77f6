import LockstepEngine
import LockstepFiles

/// One operation with attributes and inputs, and what PyTorch computes in float64: its outputs, and
/// the gradients of Σ output · cotangent by the inputs.
///
/// Any executor can be put to the test: trace the case, give it ``Traced/leaves``, and compare
/// the values of ``Traced/outputs`` and ``Traced/gradients`` with ``outputs`` and ``gradients``.
package struct OperationCase: Sendable, CustomStringConvertible {
  /// What an input is to a model.
  package enum Role: String, Sendable {
    /// Values of the batch or of another layer.
    case data
    /// A weight: traced as a parameter of the graph.
    case parameter
    /// Labels: an Int32 tensor.
    case integer
  }

  package struct Input: Sendable {
    package let role: Role
    package let value: HostTensor
  }

  /// Unique, and telling.
  package let name: String
  /// The key of the table that builds it.
  package let operation: String
  /// Applies the operation to its inputs.
  package let build: @Sendable (Graph, [Tensor]) -> [Tensor]
  package let inputs: [Input]
  package let outputs: [HostTensor]
  /// One for each of the leading outputs that are differentiated.
  package let cotangents: [HostTensor]
  /// One for each input; nil where no gradient flows to it.
  package let gradients: [HostTensor?]
  /// What dropout masks depend on.
  package let context: ReferenceContext
  /// Whether the operation is differentiable at the inputs, so that differences approach its gradient.
  package let isSmooth: Bool
  /// Whether outputs have a form that only the reference evaluation promises.
  package let referenceOnly: Bool

  package var description: String { name }

  /// The case as a graph: a leaf for every input and cotangent.
  package struct Traced {
    package let graph: Graph
    /// Graph inputs `input.0`, `input.1`…, or parameters `parameter.1`….
    package let inputs: [Tensor]
    package let outputs: [Tensor]
    /// Σ output · cotangent; nil where no output is differentiated.
    package let objective: Tensor?
    /// The gradients of the objective by each input, by the reverse rules.
    package let gradients: [Tensor?]
    /// The values of all leaves.
    package let leaves: ReferenceEvaluator.Leaves
  }

  /// Traces the case for training, and differentiates it.
  package func trace() throws -> Traced {
    let graph = Graph(batchCount: inputs[0].value.shape.first ?? 1, training: true)
    var leaves = ReferenceEvaluator.Leaves()
    let tensors = inputs.enumerated().map { index, input in
      switch input.role {
      case .parameter:
        leaves.parameters["parameter.\(index)"] = input.value
        return graph.parameter(
          ParameterSpecification(
            name: "parameter.\(index)", shape: input.value.shape, initializer: Untouched()))
      case .data, .integer:
        leaves.inputs["input.\(index)"] = input.value
        return graph.input(
          "input.\(index)", input.value.shape, input.role == .integer ? .int32 : .float32)
      }
    }
    let outputs = build(graph, tensors)
    try graph.check()
    var objective: Tensor?
    for (index, cotangent) in cotangents.enumerated() {
      let leaf = graph.input("cotangent.\(index)", cotangent.shape)
      leaves.inputs["cotangent.\(index)"] = cotangent
      let term = (outputs[index] * leaf).sum()
      objective = objective.map { $0 + term } ?? term
    }
    let wanted = inputs.indices.filter { inputs[$0].role != .integer }
    var gradients = [Tensor?](repeating: nil, count: inputs.count)
    if let objective {
      for (index, gradient) in zip(
        wanted, graph.gradients(of: objective, by: wanted.map { tensors[$0] }))
      { gradients[index] = gradient }
    }
    try graph.check()
    return Traced(
      graph: graph, inputs: tensors, outputs: outputs, objective: objective, gradients: gradients,
      leaves: leaves)
  }

  /// All cases of the files `operations`, `attention` and `tensor-operations` in
  /// `Tests/LockstepTestSupport/Data`.
  package static let all = load("operations") + load("attention") + tensorOperations

  /// All cases of `tensor-operations`.
  package static let tensorOperations = load("tensor-operations")

  private static func load(_ name: String) -> [OperationCase] {
    do { return try load(file: name) } catch { preconditionFailure("cases of \(name): \(error)") }
  }

  private static func load(file name: String) throws -> [OperationCase] {
    let file = try ReferenceFile("LockstepTestSupport/Data/\(name).safetensors")
    return try file.descriptions.map { description in
      guard let name = description.text("name"), let operation = description.text("operation"),
        case .object(let attributes)? = description["attributes"],
        case .object(let context)? = description["context"],
        let roles = description.texts("inputs")?.compactMap(Role.init(rawValue:)),
        let outputs = description.integer("outputs"),
        let cotangents = description.integer("cotangents")
      else { throw GraphError("a case is not described completely: \(description)") }
      guard let build = builder(operation, attributes) else {
        throw GraphError("case '\(name)': nothing builds the operation '\(operation)'")
      }
      return OperationCase(
        name: name, operation: operation, build: build,
        inputs: try roles.enumerated().map { index, role in
          Input(role: role, value: try file.tensor("\(name)/input/\(index)"))
        },
        outputs: try (0..<outputs).map { try file.tensor("\(name)/output/\($0)") },
        cotangents: try (0..<cotangents).map { try file.tensor("\(name)/cotangent/\($0)") },
        gradients: try roles.indices.map { try file.find("\(name)/gradient/\($0)") },
        context: ReferenceContext(
          seed: UInt64(bitPattern: Int64(context.integer("seed") ?? 0)),
          step: UInt64(bitPattern: Int64(context.integer("step") ?? 0)),
          firstExample: context.integer("firstExample") ?? 0),
        isSmooth: description.flag("smooth"), referenceOnly: description.flag("referenceOnly"))
    }
  }
}

/// Leaves the values alone: cases bring their own.
private struct Untouched: Initializer {
  func fill(
    _ values: inout MutableSpan<Float>, shape: [Int],
    using random: inout some RandomNumberGenerator
  ) {}
}
