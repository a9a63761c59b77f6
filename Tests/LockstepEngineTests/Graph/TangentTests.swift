import LockstepEngine
import LockstepTestSupport
import Testing

/// Deterministic values of both signs.
private func movement(_ shape: [Int], _ phase: Int) -> HostTensor {
  HostTensor(
    shape,
    (0..<shape.reduce(1, *)).map { (index: Int) -> Double in
      let place = Double(index + 1) * 0.754877666 + Double(phase) * 0.31
      return 2 * place.truncatingRemainder(dividingBy: 1) - 0.97
    })
}

/// The forward rules of all operations.
@Suite struct TangentTests {
  /// A case in which all inputs but labels move.
  struct Moving {
    let traced: OperationCase.Traced
    let tangents: [Tensor?]
    var leaves: ReferenceEvaluator.Leaves
    let movements: [Int: HostTensor]

    init(_ operation: OperationCase) throws {
      traced = try operation.trace()
      leaves = traced.leaves
      var movements: [Int: HostTensor] = [:]
      var direction: [(value: Tensor, movement: Tensor)] = []
      for (index, input) in operation.inputs.enumerated() {
        // A gradient is what PyTorch has for everything that may move.
        guard input.role != .integer, operation.gradients[index] != nil else { continue }
        let value = movement(input.value.shape, index)
        movements[index] = value
        leaves.inputs["movement.\(index)"] = value
        direction.append(
          (traced.inputs[index], traced.graph.input("movement.\(index)", input.value.shape)))
      }
      self.movements = movements
      tangents = traced.graph.tangents(
        of: Array(traced.outputs.prefix(operation.cotangents.count)), along: direction)
      try traced.graph.check()
    }
  }

  static let cases = OperationCase.all.filter { !$0.cotangents.isEmpty }

  @Test("tangents agree with central differences", arguments: cases.filter(\.isSmooth))
  func centralDifference(_ operation: OperationCase) throws {
    let moving = try Moving(operation)
    let evaluator = ReferenceEvaluator(moving.traced.graph, context: operation.context)
    let h = 1e-6
    func outputs(_ step: Double) throws -> [HostTensor] {
      var leaves = moving.leaves
      for (index, movement) in moving.movements {
        let path: WritableKeyPath<ReferenceEvaluator.Leaves, HostTensor?> =
          operation.inputs[index].role == .parameter
          ? \.parameters["parameter.\(index)"] : \.inputs["input.\(index)"]
        for (place, change) in movement.values.enumerated() {
          leaves[keyPath: path]?.values[place] += step * change
        }
      }
      return try evaluator.evaluate(
        Array(moving.traced.outputs.prefix(moving.tangents.count)), leaves)
    }
    let (above, below) = (try outputs(h), try outputs(-h))
    for (index, tangent) in moving.tangents.enumerated() {
      let actual = try evaluator.evaluate([try #require(tangent)], moving.leaves)[0]
      let expected = HostTensor(
        actual.shape, zip(above[index].values, below[index].values).map { ($0 - $1) / (2 * h) })
      #expect(deviation(actual, from: expected) < 1e-6)
    }
  }

  @Test("⟨c, J v⟩ = ⟨Jᵀ c, v⟩ with PyTorch's Jᵀ c", arguments: cases)
  func adjoint(_ operation: OperationCase) throws {
    let moving = try Moving(operation)
    let evaluator = ReferenceEvaluator(moving.traced.graph, context: operation.context)
    var (forward, reverse, scale) = (0.0, 0.0, 1e-12)
    for (cotangent, tangent) in zip(operation.cotangents, moving.tangents) {
      guard let tangent else { continue }
      let values = try evaluator.evaluate([tangent], moving.leaves)[0].values
      for (a, b) in zip(cotangent.values, values) {
        forward += a * b
        scale += abs(a * b)
      }
    }
    for (index, movement) in moving.movements {
      guard let gradient = operation.gradients[index] else { continue }
      for (a, b) in zip(gradient.values, movement.values) { reverse += a * b }
    }
    #expect(abs(forward - reverse) < 1e-9 * scale)
  }

  @Test("plan = reference", arguments: cases)
  func planned(_ operation: OperationCase) throws {
    let moving = try Moving(operation)
    let wanted = moving.tangents.compactMap { $0 }
    let expected = try ReferenceEvaluator(moving.traced.graph, context: operation.context)
      .evaluate(wanted, moving.leaves)
    let program = try Program(evaluating: moving.traced.graph, scalars: [], outputs: wanted)
    let (lane, memory) = try lane(running: program, moving.leaves)
    defer { withExtendedLifetime(memory) {} }
    try lane.run(
      RunContext(
        seed: operation.context.seed, step: operation.context.step,
        firstExample: operation.context.firstExample))
    for (index, expected) in expected.enumerated() {
      let scale = expected.values.reduce(1e-3) { max($0, abs($1)) }
      for (a, b) in zip(lane.output(index), expected.values) {
        let close = abs(Double(a) - b) <= 2e-5 * scale
        #expect(close, "\(a), expected \(b)")
        if !close { return }
      }
    }
  }

  @Test("a value that nothing moves has no tangent; an operation without the rule is named")
  func absentRules() throws {
    let graph = Graph(batchCount: 2, training: true)
    let (x, other) = (graph.input("x", [2, 3]), graph.input("other", [2, 3]))
    let direction = graph.input("direction", [2, 3])
    let tangents = graph.tangents(of: [other.relu(), x.relu()], along: [(x, direction)])
    #expect(tangents[0] == nil)
    #expect(tangents[1] != nil)
    try graph.check()
    let gradient = try #require(graph.gradients(of: x.gelu().sum(), by: [x])[0])
    _ = graph.tangents(of: [gradient], along: [(x, direction)])
    let error = #expect(throws: GraphError.self) { try graph.check() }
    #expect(
      error?.description
        == "gradient of activation gelu has no tangent rule, so curvature products cannot pass it")
  }
}
