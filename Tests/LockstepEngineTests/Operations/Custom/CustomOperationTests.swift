import LockstepEngine
import LockstepTestSupport
import Testing

/// Operations that a program brings itself.
@Suite struct CustomOperationTests {
  /// Σ c · threshold(dropout(x W), λ), and its gradients.
  private struct Traced {
    let graph = Graph(batchCount: 4, training: true)
    let objective: Tensor
    let wanted: [Tensor]
    let tangent: Tensor
    var leaves: ReferenceEvaluator.Leaves

    init(_ operation: some CustomOperation = SoftThreshold()) throws {
      let graph = graph
      func parameter(_ name: String, _ shape: [Int]) -> Tensor {
        graph.parameter(ParameterSpecification(name: name, shape: shape, initializer: Zeros()))
      }
      let (weight, threshold) = (parameter("weight", [3, 5]), parameter("threshold", [3]))
      let hidden = graph.input("x", [4, 5]).linear(weight).dropout(rate: 0.25, key: 3)
      let y = hidden.apply(operation, threshold)
      let objective = (y * graph.input("c", [4, 3])).sum()
      let gradients = graph.gradients(of: objective, by: [weight, threshold])
      self.objective = objective
      wanted = [y] + gradients.compactMap { $0 }
      tangent =
        try #require(
          graph.tangents(of: [y], along: [(threshold, threshold), (weight, weight)])[0])
      func values(_ shape: [Int], _ factor: Double) -> HostTensor {
        HostTensor(
          shape,
          (1...shape.reduce(1, *)).map {
            Double(Float(2 * (Double($0) * factor).truncatingRemainder(dividingBy: 1) - 1))
          })
      }
      leaves = ReferenceEvaluator.Leaves(
        inputs: ["x": values([4, 5], 0.7548), "c": values([4, 3], 0.5698)],
        parameters: [
          "weight": values([3, 5], 0.6180), "threshold": HostTensor([3], [0.125, 0.0625, 0.5]),
        ])
      try graph.check()
    }
  }

  @Test("a plan computes what the reference computes, forward, backward and along a direction")
  func planned() throws {
    let traced = try Traced()
    let wanted = traced.wanted + [traced.tangent]
    let expected = try ReferenceEvaluator(
      traced.graph, context: ReferenceContext(seed: 5, step: 2, firstExample: 8)
    ).evaluate(wanted, traced.leaves)
    let program = try Program(evaluating: traced.graph, scalars: [], outputs: wanted)
    let (lane, memory) = try lane(running: program, traced.leaves)
    defer { withExtendedLifetime(memory) {} }
    for _ in 0..<2 {
      try lane.run(RunContext(seed: 5, step: 2, firstExample: 8))
      for (index, expected) in expected.enumerated() {
        let found = HostTensor(expected.shape, lane.output(index).map(Double.init))
        #expect(deviation(found, from: expected) < 1e-6)
        #expect(expected.values.contains { $0 != 0 } && expected.values.contains { $0 != 1 })
      }
    }
    #expect(lane.plan.summary.contains { $0.implementation == "host, Float32" })
    #expect(lane.plan.summary.contains { $0.implementation == "host, Double" })
  }

  @Test("the rules agree with central differences")
  func centralDifference() throws {
    let traced = try Traced()
    let evaluator = ReferenceEvaluator(traced.graph)
    for (name, gradient) in zip(["weight", "threshold"], traced.wanted.dropFirst()) {
      let differences = try centralDifferences(
        of: traced.objective, by: \.parameters[name], at: traced.leaves)
      let actual = try evaluator.evaluate([gradient], traced.leaves)[0]
      #expect(deviation(actual, from: differences) < 1e-6)
    }
  }

  @Test("a bfloat16 plan hands it Float32 numbers")
  func inBFloat16() throws {
    guard ComputeLibrary.hasBFloat16 else { return }
    let traced = try Traced()
    let program = try Program(evaluating: traced.graph, scalars: [], outputs: traced.wanted)
    let (lane, memory) = try lane(
      running: program, traced.leaves, options: PlanOptions(precision: .bfloat16))
    defer { withExtendedLifetime(memory) {} }
    try lane.run(RunContext())
    let expected = try ReferenceEvaluator(traced.graph).evaluate(traced.wanted, traced.leaves)
    for (index, expected) in expected.enumerated() {
      let found = HostTensor(expected.shape, lane.output(index).map(Double.init))
      #expect(deviation(found, from: expected) < 2e-2)
    }
  }

  @Test("it keeps its place in a training program, and evaluates a shard at a time")
  func trains() throws {
    let traced = try Traced()
    let program = try Program(differentiating: traced.objective, scalars: [traced.objective])
    let (lane, memory) = try lane(running: program, traced.leaves)
    defer { withExtendedLifetime(memory) {} }
    #expect(!lane.plan.isShardwise)
    let leaf = Arena<Float>(count: lane.plan.leafCount)
    try lane.run(RunContext(), leaf: leaf.base)
    let sum = try ReferenceEvaluator(traced.graph).evaluate([traced.objective], traced.leaves)[0]
    #expect(abs(Double(lane.scalar(0)) - sum.values[0]) < 1e-5)
    #expect(leaf.buffer.contains { $0 != 0 })
  }

  private static let messages: [Mistaken.Mistake: String] = [
    .infers: "layer 'block.2': mistaken: expects better",
    .infersTooMany: "layer 'block.2': mistaken: infer gives 2 types, and resultCount is 1",
    .infersNothing:
      "layer 'block.2': mistaken: the shape [0] has a size of 0; sizes are positive",
    .reversesTooFew:
      "layer 'block.2': mistaken: the reverse rule gives 0 gradients for 1 inputs",
    .reversesShape:
      "layer 'block.2': mistaken: the reverse rule gives a tensor of shape [3] for input 0, which is "
      + "float32 [2, 3]",
    .tangentCount: "layer 'block.2': mistaken: the forward rule gives 2 tangents for 1 results",
    .evaluatesShape:
      "mistaken: evaluate gives results of shapes [[6]]; inferred were [[2, 3]]",
    .evaluatesCount:
      "mistaken: evaluate gives result 0 1 values; its shape [2, 3] has 6",
    .evaluatesTooMany:
      "mistaken: evaluate gives results of shapes [[2, 3], [2, 3]]; inferred were [[2, 3]]",
    .evaluates: "mistaken: no number is good enough",
    .computesCount:
      "layer 'block.2': mistaken: compute leaves 5 values in result 0; its shape [2, 3] has 6",
    .computesTooFew:
      "layer 'block.2': mistaken: compute leaves results of shapes []; inferred were [[2, 3]]",
    .computes: "layer 'block.2': mistaken: no number is good enough",
  ]

  @Test("a mistake is named", arguments: Mistaken.Mistake.allCases)
  func mistakes(_ mistake: Mistaken.Mistake) throws {
    let error = #expect(throws: GraphError.self) {
      let graph = Graph(batchCount: 2, training: true)
      let x = graph.input("x", [2, 3])
      graph.scope = "block.2"
      let y = x.apply(Mistaken(mistake: mistake))
      graph.scope = ""
      _ = graph.gradients(of: y.sum(), by: [x])
      _ = graph.tangents(of: [y], along: [(x, x)])
      try graph.check()
      let leaves = ReferenceEvaluator.Leaves(inputs: ["x": HostTensor([2, 3], repeating: 1)])
      _ = try ReferenceEvaluator(graph).evaluate([y], leaves)
      let (lane, memory) = try lane(
        running: Program(evaluating: graph, scalars: [], outputs: [y]), leaves)
      defer { withExtendedLifetime(memory) {} }
      try lane.run(RunContext())
    }
    #expect(error?.description == Self.messages[mistake])
  }

  /// Counts how often each of some integers occurs, by the reference.
  private struct Counts: CustomOperation {
    let classes: Int
    var name: String { "counts" }
    var precisionRole: PrecisionRole { .neutral }
    func acceptsIntegers(_ input: Int) -> Bool { true }
    func infer(_ inputs: [TensorType]) throws -> [TensorType] { [TensorType([classes])] }
    func reverse(inputs: [Tensor], results: [Tensor], gradients: [Tensor?]) -> [Tensor?] { [nil] }
    func evaluate(_ inputs: [HostTensor]) throws -> [HostTensor] {
      var counts = HostTensor([classes])
      for label in inputs[0].values { counts.values[Int(label)] += 1 }
      return [counts]
    }
  }

  @Test("integers are read as integers; where they are not accepted the trace fails")
  func integers() throws {
    let graph = Graph(batchCount: 4, training: false)
    let labels = graph.input("labels", [4], .int32)
    let program = try Program(
      evaluating: graph, scalars: [], outputs: [labels.apply(Counts(classes: 3))])
    let (lane, memory) = try lane(
      running: program, .init(inputs: ["labels": HostTensor([4], [2, 0, 2, 2])]))
    defer { withExtendedLifetime(memory) {} }
    try lane.run(RunContext())
    #expect(Array(lane.output(0)) == [1, 0, 3])
    _ = labels.apply(Mistaken(mistake: .computes))
    let error = #expect(throws: GraphError.self) { try graph.check() }
    #expect(error?.description == "mistaken: expects Float32 values, got integers [4]")
  }
}
