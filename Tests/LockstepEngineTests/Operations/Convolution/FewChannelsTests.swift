import LockstepEngine
import LockstepTestSupport
import Testing

/// The weights' gradient of convolutions of one or two input channels.
@Suite struct FewChannelsTests {
  struct Case: CustomTestStringConvertible {
    let window: Window
    var channels = 1
    var outputs = 16
    var testDescription: String {
      "\(channels) to \(outputs), \(window.kernel) by \(window.strides), padding \(window.paddingLow) \(window.paddingHigh)"
    }
  }

  static let cases: [Case] = [
    Case(window: .same(kernel: [3, 3])),
    Case(window: .same(kernel: [3, 3]), channels: 2, outputs: 8),
    Case(window: .same(kernel: [3, 3]), outputs: 12),
    Case(window: Window(kernel: [5, 5], padding: [2, 2]), outputs: 32),
    Case(window: Window(kernel: [7, 4], strides: [2, 3], padding: [3, 1]), channels: 2),
    Case(window: Window(kernel: [1, 1])),
    Case(window: Window(kernel: [2, 8], strides: [1, 2])),
    Case(window: .same(kernel: [2, 4])),
  ]

  private static func values(_ shape: [Int], _ phase: Double) -> HostTensor {
    HostTensor(
      shape,
      (0..<shape.reduce(1, *)).map {
        let place = Double($0 + 1) * 0.754877666 + phase
        return Double(Float(2 * place.truncatingRemainder(dividingBy: 1) - 1))
      })
  }

  /// A convolution with a bias, and the gradients by its parameters.
  private static func traced(
    _ few: Case, images: Int
  ) throws -> (Graph, [Tensor], ReferenceEvaluator.Leaves) {
    let graph = Graph(batchCount: images, training: true)
    var leaves = ReferenceEvaluator.Leaves()
    func parameter(_ name: String, _ shape: [Int]) -> Tensor {
      leaves.parameters[name] = values(shape, 0.25)
      return graph.parameter(
        ParameterSpecification(name: name, shape: shape, initializer: Zeros()))
    }
    let x = graph.input("x", [images, few.channels, 11, 13])
    leaves.inputs["x"] = values(x.shape, 0.5)
    let w = parameter("w", [few.outputs, few.channels] + few.window.kernel)
    let b = parameter("b", [few.outputs])
    // The layer behind has the gradient in the layout that convolutions have.
    let v = parameter("v", [16, few.outputs, 1, 1])
    let y = x.convolved(w, b, window: few.window).convolved(v, window: Window(kernel: [1, 1]))
    let factors = graph.input("dy", y.shape)
    leaves.inputs["dy"] = values(y.shape, 0.125)
    let gradients = graph.gradients(from: [(y, factors)], by: [w, b])
    return (graph, gradients.compactMap { $0 }, leaves)
  }

  @Test("is the reference's, and the same bits in all tables", arguments: cases)
  func equalsReference(_ few: Case) throws {
    let (graph, wanted, leaves) = try Self.traced(few, images: 5)
    let expected = try ReferenceEvaluator(graph).evaluate(wanted, leaves)
    var bits: [[[UInt32]]] = []
    for isa in InstructionSet.allCases where isa <= .detected {
      let program = try Program(evaluating: graph, scalars: [], outputs: wanted)
      let planned = try PlannedLane(program, leaves, isa: isa)
      let isOurs = planned.lane.plan.summary.contains { $0.implementation == "few channels" }
      let found = try planned.run()
      for (found, expected) in zip(found, expected) {
        #expect(
          deviation(HostTensor(expected.shape, found.map(Double.init)), from: expected) < 1e-5,
          "\(isa)")
      }
      #expect(!isOurs || isa.multipliesAndAddsAtOnce)
      if isOurs { bits.append(found.map { $0.map(\.bitPattern) }) }
    }
    for result in bits { #expect(result == bits[0]) }
  }

  @Test("a layer of one channel is computed by it wherever there are fused multiply-adds")
  func isUsed() throws {
    let (graph, wanted, leaves) = try Self.traced(Self.cases[0], images: 2)
    let program = try Program(evaluating: graph, scalars: [], outputs: wanted)
    for isa in InstructionSet.allCases where isa <= .detected {
      let planned = try PlannedLane(program, leaves, isa: isa)
      #expect(
        planned.lane.plan.summary.contains { $0.implementation == "few channels" }
          == isa.multipliesAndAddsAtOnce)
    }
  }
}
