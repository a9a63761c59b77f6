import LockstepEngine
import LockstepTestSupport
import Testing

/// Images whose channels do not fill a block of the library's layouts.
@Suite struct FilledUpChannelsTests {
  @Test("a sum of images with a function behind it", arguments: [3, 8, 12, 16, 20])
  func sumAndFunction(_ channels: Int) throws {
    let graph = Graph(batchCount: 2, training: false)
    var random = CounterGenerator(seed: 5, .initialization, index: UInt32(channels))
    var leaves = ReferenceEvaluator.Leaves()
    func values(_ shape: [Int]) -> HostTensor {
      HostTensor(
        shape, (0..<shape.reduce(1, *)).map { _ in Double(Float(random.nextNormal())) })
    }
    let x = graph.input("x", [2, 3, 6, 6])
    leaves.inputs["x"] = values(x.shape)
    func weight(_ name: String, _ shape: [Int]) -> Tensor {
      leaves.parameters[name] = values(shape)
      return graph.parameter(
        ParameterSpecification(name: name, shape: shape, initializer: Zeros()))
    }
    let window = Window.same(kernel: [3, 3])
    let first = x.convolved(weight("a", [channels, 3, 3, 3]), window: window)
    let second = first.convolved(weight("b", [channels, channels, 3, 3]), window: window)
    let results = [(second + first).relu(), (first - second).tanh()]
    try graph.check()
    let expected = try ReferenceEvaluator(graph).evaluate(results, leaves)
    for isa in InstructionSet.allCases where isa <= .detected {
      let program = try Program(evaluating: graph, scalars: [], outputs: results)
      let found = try PlannedLane(program, leaves, isa: isa).run()
      for (found, expected) in zip(found, expected) {
        #expect(
          deviation(HostTensor(expected.shape, found.map(Double.init)), from: expected) < 5e-5,
          "\(isa)")
      }
    }
  }

  private struct Zeros: Initializer {
    func fill(
      _ values: inout MutableSpan<Float>, shape: [Int],
      using random: inout some RandomNumberGenerator
    ) { for index in values.indices { values[index] = 0 } }
  }
}
