import LockstepEngine
import LockstepLayers
import LockstepTestSupport
import Testing

/// Weights that are divided by their largest singular value. That they are PyTorch's is tested where models are
/// trained.
@Suite struct SpectralNormTests {
  private typealias Leaves = ReferenceEvaluator.Leaves

  private static let part = "parametrizations.weight"

  /// A linear map [3, 4] without bias, on the unit vectors: its results are the columns of its weight.
  private func linear(training: Bool) throws -> Trace {
    try trace(
      Linear(3, bias: false, parametrization: .spectralNorm), inputShape: [4], batchCount: 4,
      training: training)
  }

  private func leaves(_ weight: [Double]) -> Leaves {
    Leaves(
      inputs: [
        "input": HostTensor([4, 4], (0..<16).map { $0 % 5 == 0 ? 1 : 0 })
      ],
      parameters: ["\(Self.part).original": HostTensor([3, 4], weight)],
      statistics: [
        "\(Self.part).0._u": HostTensor([3], [0.6, 0, 0.8]),
        "\(Self.part).0._v": HostTensor([4], [0.5, -0.5, 0.5, 0.5]),
      ])
  }

  private let weight = [2, -1, 0.5, 3, 0.25, 1.5, -2, 1, -0.75, 0.5, 1, -1.25]

  /// The largest singular value of a matrix, by many rounds.
  private func largestSingularValue(_ matrix: HostTensor) -> Double {
    var right = HostTensor([matrix.shape[1]], repeating: 1)
    var left = right
    for _ in 0..<500 {
      let found = SingularVectors().evaluate([matrix, right], ReferenceContext())
      (left, right) = (found[0], found[1])
    }
    let products = rows(of: matrix).map { row in
      zip(row, right.values).reduce(0) { $0 + $1.0 * $1.1 }
    }
    return zip(left.values, products).reduce(0) { $0 + $1.0 * $1.1 }
  }

  private func rows(of matrix: HostTensor) -> [[Double]] {
    (0..<matrix.shape[0]).map { row in
      (0..<matrix.shape[1]).map { matrix.values[row * matrix.shape[1] + $0] }
    }
  }

  @Test func namesAndShapesAreThoseOfPyTorch() throws {
    let model = Sequential([
      ConvTranspose2d(6, kernel: [3, 2], groups: 2, parametrization: .spectralNorm),
      Conv2d(4, kernel: 3, groups: 2, parametrization: .spectralNorm), Flatten(),
      Linear(3, bias: false, parametrization: .spectralNorm),
    ])
    let trace = try trace(model, inputShape: [4, 5, 4], batchCount: 2, training: true)
    let graph = trace.graph
    #expect(
      graph.parameters.map(\.name) == [
        "0.\(Self.part).original", "0.bias", "1.\(Self.part).original", "1.bias",
        "3.\(Self.part).original",
      ])
    #expect(
      graph.parameters.map(\.shape) == [[4, 3, 3, 2], [6], [4, 3, 3, 3], [4], [3, 60]])
    #expect(
      graph.statistics.map(\.name)
        == ["0", "1", "3"].flatMap { layer in
          ["_u", "_v"].map { "\(layer).\(Self.part).0.\($0)" }
        })
    #expect(graph.statistics.map(\.shape) == [[3], [24], [4], [27], [3], [60]])
    #expect(graph.statistics.allSatisfy { $0.momentum == 1 })
    #expect(
      graph.parameterRoles(before: [trace.output]) == [.kernel, .other, .kernel, .other, .output])
  }

  /// Round by round the weight's largest singular value comes to 1.
  @Test func theLargestSingularValueComesToOne() throws {
    let trace = try linear(training: true)
    let evaluator = ReferenceEvaluator(trace.graph)
    var leaves = leaves(weight)
    var distances: [Double] = []
    for _ in 0..<30 {
      let columns = try evaluator.evaluate([trace.output], leaves)[0]
      distances.append(abs(largestSingularValue(columns) - 1))
      leaves.statistics = try evaluator.statistics(after: leaves)
    }
    #expect(distances[0] > 1e-3)
    #expect(distances[29] < 1e-9)
  }

  /// The weight has the direction of W alone. A product with a power of two changes no bit of it.
  @Test(arguments: [true, false])
  func theSizeOfTheParameterDoesNotCount(training: Bool) throws {
    let trace = try linear(training: training)
    let evaluator = ReferenceEvaluator(trace.graph)
    let found = try evaluator.evaluate([trace.output], leaves(weight))[0]
    let larger = try evaluator.evaluate([trace.output], leaves(weight.map { $0 * 64 }))[0]
    #expect(found == larger)
    let other = try evaluator.evaluate([trace.output], leaves(weight.map { $0 * 0.3 }))[0]
    #expect(deviation(other, from: found) < 1e-12)
  }

  /// The gradient by W is dŴ/σ − ⟨dŴ, W⟩/σ² · uvᵀ, u and v being constants.
  @Test func gradientsTakeTheVectorsForConstants() throws {
    let trace = try linear(training: true)
    let graph = trace.graph
    let leaves = leaves(weight)
    let moving = HostTensor([4, 3], (0..<12).map { Double(($0 * 7) % 5) - 1.5 })
    let sum = (trace.output * graph.input("moving", [4, 3])).sum()
    let gradient = try #require(
      graph.gradients(of: sum, by: [graph.parameter(graph.parameters[0])])[0])
    try graph.check()
    var given = leaves
    given.inputs["moving"] = moving
    let found = try ReferenceEvaluator(graph).evaluate([gradient], given)[0]

    let matrix = HostTensor([3, 4], weight)
    let vectors = SingularVectors().evaluate(
      [matrix, try #require(leaves.statistics["\(Self.part).0._v"])], ReferenceContext())
    let (u, v) = (vectors[0].values, vectors[1].values)
    var (sigma, product) = (0.0, 0.0)
    for row in 0..<3 {
      for column in 0..<4 {
        sigma += u[row] * weight[row * 4 + column] * v[column]
        product += moving.values[column * 3 + row] * weight[row * 4 + column]
      }
    }
    var expected = matrix
    for row in 0..<3 {
      for column in 0..<4 {
        expected.values[row * 4 + column] =
          moving.values[column * 3 + row] / sigma
          - product / (sigma * sigma) * u[row] * v[column]
      }
    }
    #expect(deviation(found, from: expected) < 1e-12)
  }

  /// A layer that is called twice makes one round, and has one weight.
  @Test func aLayerThatIsCalledTwiceMakesOneRound() throws {
    struct Twice: Model {
      let layer = Linear(4, bias: false, parametrization: .spectralNorm)
      func callAsFunction(_ input: Tensor) -> Tensor { layer(layer(input)) }
    }
    let trace = try trace(Twice(), inputShape: [4], batchCount: 2, training: true)
    #expect(trace.graph.observations.count == 2)
    let rounds = trace.graph.nodes.filter { $0.operation is SingularVectors }
    #expect(rounds.count == 1)
  }

  /// Zeros have no direction: what is made of them is not finite, and a step names it.
  @Test func aWeightOfZerosIsNotHidden() throws {
    let trace = try linear(training: true)
    let found = try ReferenceEvaluator(trace.graph).evaluate(
      [trace.output], leaves(weight.map { _ in 0 }))[0]
    #expect(found.values.allSatisfy { $0.isNaN })
  }

  /// Nothing but batch normalisations is meant by patterns of those.
  @Test func theVectorsAreNoBatchNormalisation() throws {
    let model = Sequential([Linear(3, parametrization: .spectralNorm), BatchNorm1d()])
    func frozen(_ pattern: String) throws -> Trace {
      try trace(
        SingleInputModel(model), inputs: [TracedInput("input", [4])], batchCount: 2, training: true,
        freezing: Freezing(batchNorms: [pattern]))
    }
    #expect(try frozen("*").graph.observations.count == 2)
    let error = #expect(throws: GraphError.self) { try frozen("0*") }
    #expect(error?.description.hasSuffix("of those to freeze; there are 1") == true)
  }
}
