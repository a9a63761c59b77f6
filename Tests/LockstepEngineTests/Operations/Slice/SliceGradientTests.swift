import LockstepEngine
import LockstepTestSupport
import Testing

/// The gradient of a tensor's slices is one sum of parts, whatever the slices are.
@Suite struct SliceGradientTests {
  private static func values(_ shape: [Int], _ phase: Double) -> HostTensor {
    HostTensor(
      shape,
      (0..<shape.reduce(1, *)).map {
        2 * (Double($0) * 0.754877666 + phase).truncatingRemainder(dividingBy: 1) - 0.97
      })
  }

  /// Models of one tensor x [4, 6, 5] whose slices overlap, leave gaps, run over several axes, and are
  /// mixed with other uses of x.
  private static let models: [(String, @Sendable (Tensor) -> Tensor)] = [
    ("all parts", { x in sum(x.split(axis: 1, every: 1)) }),
    ("parts of several sizes", { x in sum(x.split(axis: 2, sizes: [1, 3, 1])) }),
    ("overlapping", { x in sum([0, 1, 2, 1].map { x.sliced(axis: 1, $0..<$0 + 3) }) }),
    ("with gaps", { x in sum([0, 3].map { x.sliced(axis: 1, $0..<$0 + 1) }) }),
    ("one", { x in x.sliced(axis: 2, 1..<3).square().sum() }),
    (
      "several axes",
      { x in
        x.sliced(axis: 0, 1..<3).square().sum() + x.sliced(axis: 1, 2..<6).tanh().sum()
          + x.sliced(axis: 2, 0..<1).exp().sum()
      }
    ),
    (
      "slices of slices",
      { x in
        let inner = x.sliced(axis: 1, 1..<5)
        return sum(inner.split(axis: 1, every: 2)) + inner.square().sum()
      }
    ),
    (
      "among other uses",
      { x in
        let first = x.sliced(axis: 1, 0..<2).square().sum() + x.sliced(axis: 1, 1..<3).exp().sum()
        let whole = x.tanh().sum()
        let last = x.sliced(axis: 1, 4..<6).square().sum() + x.sliced(axis: 1, 3..<5).tanh().sum()
        return first + whole + last + (x * x).sum()
      }
    ),
  ]

  private static func sum(_ parts: [Tensor]) -> Tensor {
    var total = parts[0].square().sum()
    for (index, part) in parts.enumerated().dropFirst() {
      total = total + (part * (Float(index) + 0.5)).tanh().sum()
    }
    return total
  }

  @Test("rule and plan agree with central differences", arguments: models.indices)
  func gradients(_ index: Int) throws {
    let graph = Graph(batchCount: 4, training: true)
    let w = graph.parameter(
      ParameterSpecification(name: "w", shape: [4, 6, 5], initializer: Zeros()))
    let x = w * graph.input("x", [4, 6, 5])
    let loss = Self.models[index].1(x)
    let leaves = ReferenceEvaluator.Leaves(
      inputs: ["x": Self.values([4, 6, 5], 0.2)], parameters: ["w": Self.values([4, 6, 5], 0.6)])
    let expected = try centralDifferences(of: loss, by: \.parameters["w"], at: leaves)
    let program = try Program(differentiating: loss, scalars: [loss])
    let gradient = try #require(graph.gradients(of: loss, by: [w])[0])
    let actual = try ReferenceEvaluator(graph).evaluate([gradient], leaves)[0]
    #expect(deviation(actual, from: expected) < 1e-7, "\(Self.models[index].0)")

    let (lane, memory) = try lane(running: program, leaves)
    let leaf = Arena<Float>(count: lane.plan.leafCount)
    // What is there before does not matter, and a second run gives the same bits.
    leaf.buffer.update(repeating: .nan)
    try lane.run(RunContext(), leaf: leaf.base)
    let slot = program.leafLayout.slots[0]
    let first = Array(leaf.buffer[slot.range])
    try lane.run(RunContext(), leaf: leaf.base)
    #expect(first.map(\.bitPattern) == leaf.buffer[slot.range].map(\.bitPattern))
    #expect(
      deviation(HostTensor([4, 6, 5], first.map(Double.init)), from: expected) < 1e-5,
      "\(Self.models[index].0)")
    withExtendedLifetime(memory) {}
  }

  @Test("a parameter's slices fill its leaf, alone and added to a sum")
  func parameterSlices() throws {
    let graph = Graph(batchCount: 2, training: true)
    let w = graph.parameter(
      ParameterSpecification(name: "w", shape: [6, 3], initializer: Zeros()))
    let x = graph.input("x", [2, 3])
    let parts = w.split(axis: 0, every: 2)
    let loss = zip(parts, 1...).map { x.linear($0).square().sum() * Float($1) }
      .reduce(graph.constant(0)) { $0 + $1 }
    let leaves = ReferenceEvaluator.Leaves(
      inputs: ["x": Self.values([2, 3], 0.3)], parameters: ["w": Self.values([6, 3], 0.8)])
    let expected = try centralDifferences(of: loss, by: \.parameters["w"], at: leaves)
    let program = try Program(differentiating: loss, scalars: [loss])
    let (lane, memory) = try lane(running: program, leaves)
    let leaf = Arena<Float>(count: lane.plan.leafCount)
    try lane.run(RunContext(), leaf: leaf.base)
    let range = program.leafLayout.slots[0].range
    let values = leaf.buffer[range].map(Double.init)
    #expect(deviation(HostTensor([6, 3], values), from: expected) < 1e-5)
    withExtendedLifetime(memory) {}
  }

  /// An unrolled network of so many steps: its plan's steps and bytes of activations.
  private static func unrolled(_ count: Int) throws -> (steps: Int, bytes: Int) {
    let graph = Graph(batchCount: 8, training: true)
    func parameter(_ name: String, _ shape: [Int]) -> Tensor {
      graph.parameter(ParameterSpecification(name: name, shape: shape, initializer: Zeros()))
    }
    let x = graph.input("x", [8, count, 4]).linear(parameter("in", [16, 4]))
    let recurrent = parameter("recurrent", [16, 16])
    var state = graph.constant(0, [8, 16])
    for part in x.split(axis: 1, every: 1) {
      state = (part.reshaped(to: [8, 16]) + state.linear(recurrent)).tanh()
    }
    let program = try Program(differentiating: state.square().sum(), scalars: [])
    let (parameters, statistics) = (
      Arena<Float>(count: program.parameterLayout.count), Arena<Float>(count: 0)
    )
    let plan = try Plan(
      program, parameters: parameters.buffer, statistics: statistics.buffer, isa: .detected)
    return (plan.stepCount, plan.activationBytes)
  }

  @Test("an unrolled network costs as its length, backwards too")
  func linearCost() throws {
    let (short, long) = (try Self.unrolled(16), try Self.unrolled(64))
    #expect(long.steps <= 4 * short.steps, "\(short) and \(long)")
    #expect(Double(long.bytes) < 4.5 * Double(short.bytes), "\(short) and \(long)")
  }
}
