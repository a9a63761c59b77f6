import LockstepEngine
import LockstepTestSupport
import Testing

/// Max pooling in plans: between convolutions, whose layouts it takes.
@Suite struct PlannedPoolingTests {
  /// Few different whole numbers, so that Float32 is exact whatever the order of sums.
  private static func values(_ shape: [Int], _ phase: Int) -> HostTensor {
    HostTensor(shape, (0..<shape.reduce(1, *)).map { Double(($0 * 7919 + phase) % 1013 % 5 - 2) })
  }

  private static func pooled(
    _ channels: Int, _ window: Window
  ) throws -> (Graph, [Tensor], ReferenceEvaluator.Leaves) {
    let graph = Graph(batchCount: 2, training: true)
    var leaves = ReferenceEvaluator.Leaves()
    func weight(_ name: String, _ shape: [Int]) -> Tensor {
      leaves.parameters[name] = values(shape, shape[1])
      return graph.parameter(
        ParameterSpecification(name: name, shape: shape, initializer: Zeros()))
    }
    let same = Window.same(kernel: [3, 3])
    let x = graph.input("x", [2, 3, 9, 10])
    leaves.inputs["x"] = values(x.shape, 1)
    let (a, b) = (weight("a", [channels, 3, 3, 3]), weight("b", [channels, channels, 3, 3]))
    let y = x.convolved(a, window: same).maxPooled(window)
    let z = y.convolved(b, window: same)
    let factors = graph.input("dz", z.shape)
    leaves.inputs["dz"] = values(z.shape, 2)
    let gradients = graph.gradients(from: [(z, factors)], by: [x, a, b])
    return (graph, [y] + gradients.compactMap { $0 }, leaves)
  }

  @Test(
    "behind and before convolutions, with channels that fill no block",
    arguments: [
      3, 8, 12, 16, 20, 32,
    ])
  func neighbours(_ channels: Int) throws {
    for window in [
      Window(kernel: [2, 2], strides: [2, 2]),
      Window(kernel: [3, 3], strides: [2, 2], padding: [1, 1]),
    ] {
      let (graph, wanted, leaves) = try Self.pooled(channels, window)
      let expected = try ReferenceEvaluator(graph).evaluate(wanted, leaves)
      for isa in InstructionSet.allCases where isa <= .detected {
        let program = try Program(evaluating: graph, scalars: [], outputs: wanted)
        let planned = try PlannedLane(program, leaves, isa: isa)
        #expect(planned.lane.plan.summary.filter { $0.implementation == "pooling" }.count == 2)
        for (found, expected) in zip(try planned.run(), expected) {
          #expect(found.map(Double.init) == expected.values, "\(isa)")
        }
      }
    }
  }

  @Test("a NaN comes through, whatever is beside it")
  func notANumber() throws {
    let graph = Graph(batchCount: 1, training: false)
    let y = graph.input("x", [1, 8, 4, 4]).maxPooled(Window(kernel: [2, 2], strides: [2, 2]))
    var x = Self.values([1, 8, 4, 4], 1)
    x.values[16 + 5] = .nan
    let program = try Program(evaluating: graph, scalars: [], outputs: [y])
    let found = try PlannedLane(program, .init(inputs: ["x": x])).run()[0]
    #expect(found.indices.filter { found[$0].isNaN } == [4])
  }

  @Test("a window of more places than a byte can name is the library's")
  func largeWindow() throws {
    let graph = Graph(batchCount: 2, training: false)
    let y = graph.input("x", [2, 8, 20, 20]).maxPooled(Window(kernel: [17, 17]))
    let x = Self.values([2, 8, 20, 20], 1)
    let program = try Program(evaluating: graph, scalars: [], outputs: [y])
    let planned = try PlannedLane(program, .init(inputs: ["x": x]))
    #expect(!planned.lane.plan.summary.contains { $0.implementation == "pooling" })
    let expected = try ReferenceEvaluator(graph).evaluate([y], .init(inputs: ["x": x]))[0]
    #expect(try planned.run()[0].map(Double.init) == expected.values)
  }
}
