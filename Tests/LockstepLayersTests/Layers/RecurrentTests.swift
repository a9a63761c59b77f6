import LockstepEngine
import LockstepLayers
import LockstepTestSupport
import Testing

/// RNN, GRU and LSTM against PyTorch, as a reference in Double and as plans in Float32.
@Suite struct RecurrentTests {
  @Test("the reference computes what PyTorch computes", arguments: RecurrentCase.all)
  func reference(_ reference: RecurrentCase) throws {
    let traced = try TracedRecurrence(reference)
    #expect(traced.graph.parameters.map(\.name) == reference.parameters.map { "layer.\($0)" })
    let gradients = try traced.gradients()
    let evaluator = ReferenceEvaluator(traced.graph)
    let values = try evaluator.evaluate(
      traced.outputs.map(\.tensor) + gradients, traced.leaves)
    for ((name, _), value) in zip(traced.outputs, values) {
      let expected = try #require(reference.outputs[name])
      #expect(deviation(value, from: expected) < 1e-12, "\(name)")
    }
    for ((name, _), value) in zip(traced.inputs, values.dropFirst(traced.outputs.count)) {
      let expected = try #require(reference.gradients[name])
      #expect(deviation(value, from: expected) < 1e-12, "gradient by \(name)")
    }
  }

  @Test("plans compute what PyTorch computes", arguments: RecurrentCase.all)
  func plan(_ reference: RecurrentCase) throws {
    let traced = try TracedRecurrence(reference)
    let gradients = try traced.gradients()
    let program = try Program(
      evaluating: traced.graph, scalars: [], outputs: traced.outputs.map(\.tensor) + gradients)
    let expected =
      try traced.outputs.map { try require(reference.outputs[$0.name]) }
      + traced.inputs.map { try require(reference.gradients[$0.name]) }
    var bits: Set<[[UInt32]]> = []
    for isa in InstructionSet.allCases where isa <= .detected {
      let lane = try PlannedLane(program, traced.leaves, isa: isa)
      // The second run finds memory as the first one left it.
      for _ in 0..<2 {
        let found = try lane.run()
        for (index, (values, expected)) in zip(found, expected).enumerated() {
          let tensor = HostTensor(expected.shape, values.map(Double.init))
          #expect(deviation(tensor, from: expected) < 1e-5, "result \(index) by \(isa.name)")
        }
        if isa.multipliesAndAddsAtOnce { bits.insert(found.map { $0.map(\.bitPattern) }) }
      }
    }
    #expect(bits.count <= 1)
  }

  @Test("an inference keeps nothing, and gives the same bits", arguments: RecurrentCase.all)
  func inference(_ reference: RecurrentCase) throws {
    let traced = try TracedRecurrence(reference)
    let forward = try Program(
      evaluating: traced.graph, scalars: [], outputs: traced.outputs.map(\.tensor))
    let outputs = try PlannedLane(forward, traced.leaves).run()
    let gradients = try traced.gradients()
    let both = try Program(
      evaluating: traced.graph, scalars: [], outputs: traced.outputs.map(\.tensor) + gradients)
    let all = try PlannedLane(both, traced.leaves).run()
    #expect(outputs == Array(all.prefix(outputs.count)))
  }

  @Test("an example's bits do not depend on its company", arguments: RecurrentCase.all)
  func company(_ reference: RecurrentCase) throws {
    func run(_ examples: Range<Int>) throws -> [[Float]] {
      let traced = try TracedRecurrence(reference, examples: examples)
      let gradients = try traced.gradients()
      // Of the inputs, but not of the parameters, which are sums over examples.
      let own = traced.inputs.count - reference.parameters.count
      let program = try Program(
        evaluating: traced.graph, scalars: [],
        outputs: traced.outputs.map(\.tensor) + gradients.prefix(own))
      return try PlannedLane(program, traced.leaves).run()
    }
    let count = try #require(reference.inputs["x"]).shape[0]
    guard InstructionSet.detected.multipliesAndAddsAtOnce else { return }
    let all = try run(0..<count)
    for shards in [2, 4, count] where shards <= count {
      let bounds = (0...shards).map { $0 * count / shards }
      let parts = try zip(bounds, bounds.dropFirst()).map { try run($0..<$1) }
      for index in all.indices { #expect(parts.flatMap { $0[index] } == all[index]) }
    }
  }

  @Test(
    "gradients and tangents agree with central differences",
    arguments: RecurrentCase.all.filter { $0.hidden < 7 && $0.layers == 1 })
  func differences(_ reference: RecurrentCase) throws {
    let traced = try TracedRecurrence(reference)
    let gradients = try traced.gradients()
    let evaluator = ReferenceEvaluator(traced.graph)
    for ((name, _), gradient) in zip(traced.inputs, gradients) {
      let found = try evaluator.evaluate([gradient], traced.leaves)[0]
      let expected =
        reference.parameters.contains(name)
        ? try centralDifferences(
          of: traced.objective, by: \.parameters["layer.\(name)"], at: traced.leaves)
        : try centralDifferences(of: traced.objective, by: \.inputs[name], at: traced.leaves)
      #expect(deviation(found, from: expected) < 1e-6, "gradient by \(name)")
    }
  }

  @Test("⟨c, J v⟩ = ⟨Jᵀ c, v⟩, and plans of tangents agree", arguments: RecurrentCase.all)
  func tangents(_ reference: RecurrentCase) throws {
    let traced = try TracedRecurrence(reference)
    var leaves = traced.leaves
    var direction: [(value: Tensor, movement: Tensor)] = []
    var inner = 0.0
    for (index, (name, tensor)) in traced.inputs.enumerated() {
      let movement = HostTensor(
        tensor.shape,
        (0..<tensor.type.count).map { (element: Int) -> Double in
          let place = Double(element + 1) * 0.754877666 + Double(index) * 0.31
          return 2 * place.truncatingRemainder(dividingBy: 1) - 0.97
        })
      leaves.inputs["movement.\(name)"] = movement
      direction.append((tensor, traced.graph.input("movement.\(name)", tensor.shape)))
      let gradient = try #require(reference.gradients[name])
      inner += zip(gradient.values, movement.values).reduce(0) { $0 + $1.0 * $1.1 }
    }
    let tangents = try traced.graph.tangents(
      of: traced.outputs.map(\.tensor), along: direction
    ).map { try require($0, "a tangent") }
    try traced.graph.check()
    let values = try ReferenceEvaluator(traced.graph).evaluate(tangents, leaves)
    var (sum, scale) = (0.0, 1e-12)
    for ((name, _), value) in zip(traced.outputs, values) {
      let cotangent = try #require(reference.cotangents[name])
      for (a, b) in zip(value.values, cotangent.values) {
        sum += a * b
        scale += abs(a * b)
      }
    }
    #expect(abs(sum - inner) < 1e-12 * scale)
    let program = try Program(evaluating: traced.graph, scalars: [], outputs: tangents)
    for isa in InstructionSet.allCases where isa <= .detected {
      for (found, expected) in zip(try PlannedLane(program, leaves, isa: isa).run(), values) {
        let tensor = HostTensor(expected.shape, found.map(Double.init))
        #expect(deviation(tensor, from: expected) < 1e-5)
      }
    }
  }

  @Test("nodes do not grow with the sequence, and memory grows in proportion")
  func linear() throws {
    func plan(_ positions: Int) throws -> (nodes: Int, bytes: Int) {
      let model = Sequential {
        LSTM(8, 16, numLayers: 2, bidirectional: true)
        GRU(32, 8)
        RNN(8, 8)
      }
      let trace = try trace(model, inputShape: [positions, 8], batchCount: 16, training: true)
      let loss = trace.output.square().sum()
      let program = try Program(differentiating: loss, scalars: [loss])
      let lane = try PlannedLane(program, ReferenceEvaluator.Leaves())
      return (trace.graph.nodes.count, lane.lane.plan.activationBytes)
    }
    let (short, middle, long) = (try plan(64), try plan(128), try plan(256))
    #expect(short.nodes == long.nodes)
    let (first, second) = (middle.bytes - short.bytes, long.bytes - middle.bytes)
    #expect(first > 0)
    #expect(abs(second - 2 * first) <= first / 20, "\(first) and then \(second) bytes more")
  }
}
