import LockstepEngine
import LockstepTestSupport
import Testing

/// What plans choose by shape keeps its promises: errors stay small, sums round once, and the
/// instruction set of our own kernels changes no bit.
@Suite struct AlgorithmTests {
  private func parameter(_ graph: Graph, _ name: String, _ shape: [Int]) -> Tensor {
    graph.parameter(ParameterSpecification(name: name, shape: shape, initializer: Zeros()))
  }

  /// Values in (−1, 1), the same for the same seed.
  private func fill(_ values: UnsafeMutableBufferPointer<Float>, seed: UInt64) {
    var random = CounterGenerator(seed: seed, .synthesis)
    for index in values.indices { values[index] = Float(2 * random.nextUniform() - 1) }
  }

  private struct Planned {
    let program: Program
    let plan: Plan
    let parameters: Arena<Float>
    let statistics: Arena<Float>
  }

  private func planned(
    _ program: Program, isa: InstructionSet = .detected, options: PlanOptions = PlanOptions()
  ) throws -> Planned {
    let parameters = Arena<Float>(count: program.parameterLayout.count)
    for slot in program.parameterLayout.slots {
      fill(.init(rebasing: parameters.buffer[slot.range]), seed: UInt64(slot.offset + 1))
    }
    let statistics = Arena<Float>(count: program.statisticLayout.count)
    let plan = try Plan(
      program, parameters: parameters.buffer, statistics: statistics.buffer, isa: isa,
      options: options)
    try plan.packParameters()
    return Planned(
      program: program, plan: plan, parameters: parameters, statistics: statistics)
  }

  // MARK: Convolutions

  struct Shape: Sendable, CustomTestStringConvertible {
    let input: [Int]
    let outputs: Int
    /// Part of the name that an implementation has in oneDNN 2, expected on AVX-512 processors.
    let implementation: String
    var testDescription: String { "\(input) to \(outputs) channels" }
  }

  static let shapes = [
    Shape(input: [4, 32, 14, 14], outputs: 64, implementation: "wino"),
    Shape(input: [8, 16, 9, 16], outputs: 32, implementation: "wino"),
    Shape(input: [2, 16, 12, 12], outputs: 16, implementation: "brgconv"),
    Shape(input: [2, 17, 8, 8], outputs: 10, implementation: "jit"),
  ]

  /// The sum of a convolution's squares, its result, and the gradients by weight and input.
  private func convolution(_ shape: Shape) throws -> (graph: Graph, wanted: [Tensor]) {
    let graph = Graph(batchCount: shape.input[0], training: true)
    let x = graph.input("x", shape.input)
    let weight = parameter(graph, "weight", [shape.outputs, shape.input[1], 3, 3])
    let bias = parameter(graph, "bias", [shape.outputs])
    let y = x.convolved(weight, bias, window: .same(kernel: [3, 3]))
    let sum = y.square().flattened(from: 0).sumReduced(to: [1]).reshaped(to: [])
    let gradients = graph.gradients(of: sum, by: [weight, x])
    try graph.check()
    return (graph, [y] + gradients.compactMap(\.self))
  }

  @Test(arguments: shapes, PlanOptions.Convolutions.allCases)
  func convolutionsAgreeWithTheReference(
    shape: Shape, convolutions: PlanOptions.Convolutions
  ) throws {
    let (graph, wanted) = try convolution(shape)
    let program = try Program(evaluating: graph, scalars: [], outputs: wanted)
    let planned = try planned(program, options: PlanOptions(convolutions: convolutions))
    let lane = try Lane(planned.plan)
    let input = try #require(lane.input("x")).bindMemory(to: Float.self)
    fill(input, seed: 99)
    var parameters: [String: HostTensor] = [:]
    for slot in program.parameterLayout.slots {
      parameters[slot.name] = HostTensor(
        slot.shape, planned.parameters.buffer[slot.range].map(Double.init))
    }
    let expected = try ReferenceEvaluator(graph).evaluate(
      wanted,
      .init(
        inputs: ["x": HostTensor(shape.input, input.map(Double.init))], parameters: parameters))
    try lane.run(RunContext())
    // Winograd's sums of differences lose about a digit.
    let tolerance = convolutions == .automatic ? 2e-5 : 2e-6
    for (index, reference) in expected.enumerated() {
      let largest = reference.values.reduce(0) { max($0, abs($1)) }
      let error = zip(lane.output(index), reference.values).reduce(0) {
        max($0, abs(Double($1.0) - $1.1))
      }
      #expect(error <= tolerance * largest, "output \(index): \(error) of \(largest)")
    }
    if InstructionSet.detected == .avx512, ComputeLibrary.version.hasPrefix("2.") {
      let used = planned.plan.summary.map(\.implementation)
      let expectsIt = convolutions == .automatic || shape.implementation != "wino"
      #expect(used.contains { $0.contains(shape.implementation) } == expectsIt, "\(used)")
    }
  }

  // MARK: Linear maps

  /// A two-layer regression on `count` examples.
  private func regression(_ count: Int, _ sizes: [Int]) throws -> Program {
    let graph = Graph(batchCount: count, training: true)
    let x = graph.input("x", [count, sizes[0]])
    let target = graph.input("t", [count, sizes[2]])
    let hidden = x.linear(
      parameter(graph, "a.weight", [sizes[1], sizes[0]]), parameter(graph, "a.bias", [sizes[1]])
    ).relu().dropout(rate: 0.25, key: 3)
    let y = hidden.linear(
      parameter(graph, "b.weight", [sizes[2], sizes[1]]), parameter(graph, "b.bias", [sizes[2]]))
    let loss = y.squaredError(targets: target)
    return try Program(differentiating: loss, scalars: [loss], outputs: [y])
  }

  private func load(_ lane: Lane, seed: UInt64) throws {
    for (offset, name) in ["x", "t"].enumerated() {
      fill(
        try #require(lane.input(name)).bindMemory(to: Float.self), seed: seed + UInt64(offset))
    }
  }

  @Test(arguments: [1, 7, 32, 128, 129], [[784, 256, 10], [37, 19, 3], [1024, 512, 17]])
  func addingToASumIsAddingALeaf(count: Int, sizes: [Int]) throws {
    for precision in Precision.available {
      try addingToASumIsAddingALeaf(count, sizes, precision)
    }
  }

  private func addingToASumIsAddingALeaf(
    _ count: Int, _ sizes: [Int], _ precision: Precision
  ) throws {
    let planned = try planned(
      regression(count, sizes), options: PlanOptions(precision: precision))
    let lane = try Lane(planned.plan)
    let leaves = (0..<3).map { _ in Arena<Float>(count: planned.plan.leafCount) }
    let (sum, leaf, direct) = (leaves[0], leaves[1], leaves[2])
    try load(lane, seed: 1)
    try lane.run(RunContext(), leaf: sum.base)
    _ = direct.buffer.update(fromContentsOf: sum.buffer)

    try load(lane, seed: 3)
    try lane.run(RunContext(), leaf: leaf.base)
    for index in sum.buffer.indices { sum.buffer[index] += leaf.buffer[index] }
    try lane.run(RunContext(), leaf: leaf.base, addingTo: direct.base)
    let parts = planned.plan.partsToAdd
    for index in parts.joined() { direct.buffer[index] += leaf.buffer[index] }
    #expect(zip(sum.buffer, direct.buffer).allSatisfy { $0.bitPattern == $1.bitPattern })
    // The weights are added in place where that rounds once.
    let left = parts.reduce(0) { $0 + $1.count }
    let roundsOnce = count <= 128 || precision == .bfloat16
    #expect((left < planned.plan.leafCount / 2) == roundsOnce)
  }

  @Test(arguments: [[784, 256, 10], [37, 19, 3]])
  func ownKernelsGiveTheSameBitsOnEveryInstructionSet(sizes: [Int]) throws {
    let program = try regression(33, sizes)
    for precision in Precision.available {
      var results: [[UInt32]] = []
      // Without fused multiply-adds Float32 products are the library's.
      let sets = InstructionSet.allCases.filter {
        $0 <= .detected && (precision == .bfloat16 || $0.multipliesAndAddsAtOnce)
      }
      for isa in sets {
        let planned = try planned(
          program, isa: isa, options: PlanOptions(precision: precision))
        let lane = try Lane(planned.plan)
        let leaf = Arena<Float>(count: planned.plan.leafCount)
        try load(lane, seed: 5)
        try lane.run(RunContext(), leaf: leaf.base)
        results.append((Array(lane.output(0)) + Array(leaf.buffer)).map(\.bitPattern))
      }
      guard let first = results.first else { continue }
      #expect(results.allSatisfy { $0 == first })
      #expect(Set(first).count > 100)
    }
  }
}
