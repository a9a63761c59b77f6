import LockstepEngine
import LockstepTestSupport
import Testing

/// Where plans compute by Winograd's F(2×2, 3×3), and that graphs mean the same with it.
@Suite(.enabled(if: InstructionSet.detected >= .avx2)) struct WinogradTests {
  struct Case: CustomTestStringConvertible {
    var input = [3, 16, 9, 10]
    var outputs = 24
    var window = Window.same(kernel: [3, 3])
    var isRectified = false
    var isComputed = false
    /// How many of forward pass and the two gradients are Winograd's.
    var count = 3
    var testDescription: String {
      "\(input) to \(outputs), padding \(window.paddingLow) \(window.paddingHigh)"
        + (isRectified ? ", ReLU" : "") + (isComputed ? ", computed weights" : "")
    }
  }

  static let cases: [Case] = [
    Case(),
    Case(isRectified: true),
    Case(isComputed: true),
    Case(input: [2, 32, 14, 14], outputs: 64, window: Window(kernel: [3, 3])),
    Case(input: [2, 16, 6, 6], outputs: 16, window: Window(kernel: [3, 3], padding: [2, 2])),
    // Computed directly: a stride, other kernels, few or odd channels, mostly wasted tiles.
    Case(window: Window(kernel: [3, 3], strides: [2, 2], padding: [1, 1]), count: 0),
    Case(window: .same(kernel: [5, 5]), count: 0),
    Case(window: .same(kernel: [1, 3]), count: 0),
    Case(input: [3, 8, 9, 10], count: 0),
    Case(outputs: 20, count: 0),
    Case(input: [3, 16, 3, 3], outputs: 16, count: 0),
  ]

  private static func values(_ shape: [Int], _ phase: Double) -> HostTensor {
    HostTensor(
      shape,
      (0..<shape.reduce(1, *)).map {
        let place = Double($0 + 1) * 0.754877666 + phase
        return Double(Float(2 * place.truncatingRemainder(dividingBy: 1) - 1))
      })
  }

  private static func traced(
    _ of: Case
  ) throws -> (Graph, [Tensor], ReferenceEvaluator.Leaves) {
    let graph = Graph(batchCount: of.input[0], training: true)
    var leaves = ReferenceEvaluator.Leaves()
    func parameter(_ name: String, _ shape: [Int]) -> Tensor {
      leaves.parameters[name] = values(shape, 0.25)
      return graph.parameter(
        ParameterSpecification(name: name, shape: shape, initializer: Zeros()))
    }
    let x = graph.input("x", of.input)
    leaves.inputs["x"] = values(of.input, 0.5)
    let w = parameter("w", [of.outputs, of.input[1]] + of.window.kernel)
    let b = parameter("b", [of.outputs])
    var y = x.convolved(of.isComputed ? w * 0.5 : w, b, window: of.window)
    if of.isRectified { y = y.relu() }
    let factors = graph.input("dy", y.shape)
    leaves.inputs["dy"] = values(y.shape, 0.125)
    let gradients = graph.gradients(from: [(y, factors)], by: [x, w, b])
    return (graph, [y] + gradients.compactMap { $0 }, leaves)
  }

  @Test("is the reference, and used where it pays", arguments: cases)
  func equalsReference(_ of: Case) throws {
    let (graph, wanted, leaves) = try Self.traced(of)
    let expected = try ReferenceEvaluator(graph).evaluate(wanted, leaves)
    let program = try Program(evaluating: graph, scalars: [], outputs: wanted)
    for convolutions in PlanOptions.Convolutions.allCases {
      let planned = try PlannedLane(
        program, leaves, isa: .avx2, options: PlanOptions(convolutions: convolutions))
      let used = planned.lane.plan.summary.filter { $0.implementation == "winograd 2x2" }
      #expect(used.count == (convolutions == .automatic ? of.count : 0))
      for (found, expected) in zip(try planned.run(), expected) {
        #expect(
          deviation(HostTensor(expected.shape, found.map(Double.init)), from: expected) < 4e-6)
      }
    }
  }
}
