import LockstepCatalog
import LockstepEngine
import LockstepFiles
import LockstepLayers
import LockstepOptimization
import LockstepTestSupport
import Testing

/// Weights that are computed from other parameters. That they are PyTorch's is tested where models are trained.
@Suite struct ParametrizationTests {
  private typealias Leaves = ReferenceEvaluator.Leaves

  /// Values without a pattern, for all parameters of a trace.
  private func leaves(of trace: Trace, input: HostTensor) -> Leaves {
    var leaves = Leaves(inputs: ["input": input])
    for (index, parameter) in trace.graph.parameters.enumerated() {
      leaves.parameters[parameter.name] = HostTensor(
        parameter.shape,
        (0..<parameter.shape.reduce(1, *)).map { place in
          Double((place * 37 + index * 11 + place * place % 5) % 23) / 10 - 1.05
        })
    }
    for statistic in trace.graph.statistics {
      let count = statistic.shape[0]
      leaves.statistics[statistic.name] = HostTensor(
        [count], (0..<count).map { 0.2 + Double(($0 * 29) % 7) / 10 })
    }
    return leaves
  }

  /// The weight of a linear map without bias: its results for the unit vectors, a column each.
  private func columns(
    _ layer: Linear, _ change: (inout [String: HostTensor]) -> Void = { _ in }
  ) throws -> [[Double]] {
    let inputs = 4
    let trace = try trace(layer, inputShape: [inputs], batchCount: inputs, training: true)
    let unit = HostTensor(
      [inputs, inputs], (0..<inputs * inputs).map { $0 % (inputs + 1) == 0 ? 1 : 0 })
    var leaves = leaves(of: trace, input: unit)
    change(&leaves.parameters)
    let result = try ReferenceEvaluator(trace.graph).evaluate([trace.output], leaves)[0]
    let units = result.shape[1]
    return (0..<units).map { unit in (0..<inputs).map { result.values[$0 * units + unit] } }
  }

  private func length(_ values: [Double]) -> Double {
    values.reduce(0) { $0 + $1 * $1 }.squareRoot()
  }

  // MARK: Names

  @Test func parametersHaveTheNamesAndShapesOfPyTorch() throws {
    let model = Sequential([
      Conv2d(6, kernel: [3, 2], groups: 2, parametrization: .weightNorm), Flatten(),
      Linear(3, parametrization: .weightStandardization),
    ])
    let trace = try trace(model, inputShape: [4, 5, 4], batchCount: 2, training: true)
    #expect(
      trace.graph.parameters.map(\.name) == [
        "0.parametrizations.weight.original0", "0.parametrizations.weight.original1", "0.bias",
        "2.weight", "2.bias",
      ])
    #expect(
      trace.graph.parameters.map(\.shape) == [[6, 1, 1, 1], [6, 2, 3, 2], [6], [3, 54], [3]])
    #expect(trace.graph.parameters.allSatisfy { $0.trainable })
    let series = try LockstepLayers.trace(
      Conv1d(5, kernel: 3, bias: false, parametrization: .weightNorm), inputShape: [2, 7],
      batchCount: 2, training: false)
    #expect(
      series.graph.parameters.map(\.name) == [
        "parametrizations.weight.original0", "parametrizations.weight.original1",
      ])
    #expect(series.graph.parameters.map(\.shape) == [[5, 1, 1], [5, 2, 3]])
    #expect(series.output.shape == [2, 5, 5])
  }

  /// The order is that of declaration, whatever the order of calls.
  @Test func partsOfAWeightStandWithTheirLayer() throws {
    struct Crossed: Model {
      let head = Linear(2, parametrization: .weightNorm)
      let stem = Linear(3, parametrization: .weightNorm, trainable: false)
      func callAsFunction(_ input: Tensor) -> Tensor { head(stem(input)) }
    }
    let trace = try trace(Crossed(), inputShape: [4], batchCount: 2, training: true)
    let parts = ["parametrizations.weight.original0", "parametrizations.weight.original1", "bias"]
    #expect(
      trace.graph.parameters.map(\.name)
        == ["head", "stem"].flatMap { layer in parts.map { "\(layer).\($0)" } })
    #expect(trace.graph.parameters.map(\.trainable) == [true, true, true, false, false, false])
  }

  @Test func layersOfParameters() {
    let cases = [
      ("weight", ""), ("encoder.0.weight", "encoder.0"),
      ("parametrizations.weight.original0", ""),
      ("a.b.parametrizations.weight.original1", "a.b"),
      ("a.b.parametrizations.weight.original", "a.b"),
      ("a.b.parametrizations.weight.0._u", "a.b"), ("parametrizations.weight.0._v", ""),
      // Layers in a property of this name.
      ("parametrizations.0.weight", "parametrizations.0"),
      ("myparametrizations.weight.0._u", "myparametrizations.weight.0"),
    ]
    for (parameter, layer) in cases { #expect(LayerName.of(parameter) == layer, "\(parameter)") }
  }

  /// What an update of matrices takes is the directions, not the lengths.
  @Test func directionsAreKernels() throws {
    let model = Sequential([
      Conv1d(4, kernel: 3, parametrization: .weightNorm), ReLU(), Flatten(),
      Linear(8, parametrization: .weightStandardization), ReLU(),
      Linear(3, parametrization: .weightNorm),
    ])
    let trace = try trace(model, inputShape: [2, 6], batchCount: 2, training: true)
    let roles = trace.graph.parameterRoles(before: [trace.output])
    #expect(
      Dictionary(uniqueKeysWithValues: zip(trace.graph.parameters.map(\.name), roles)) == [
        "0.parametrizations.weight.original0": .other,
        "0.parametrizations.weight.original1": .kernel, "0.bias": .other,
        "3.weight": .kernel, "3.bias": .other,
        "5.parametrizations.weight.original0": .other,
        "5.parametrizations.weight.original1": .output, "5.bias": .other,
      ])
  }

  // MARK: Laws

  /// The units have the lengths that are parameters, and their directions alone follow from the others.
  @Test func lengthsOfUnitsAreParameters() throws {
    let layer = Linear(3, bias: false, parametrization: .weightNorm)
    let (lengths, directions) = (
      "parametrizations.weight.original0", "parametrizations.weight.original1"
    )
    let found = try columns(layer) { $0[lengths] = HostTensor([3, 1], [2, -0.5, 3]) }
    for (unit, expected) in zip(found, [2, 0.5, 3]) {
      #expect(abs(length(unit) - expected) < 1e-6)
    }
    let longer = try columns(layer) {
      $0[lengths] = HostTensor([3, 1], [2, -0.5, 3])
      $0[directions] = $0[directions]?.map { $0 * 16 }
    }
    for (one, other) in zip(found.joined(), longer.joined()) { #expect(abs(one - other) < 1e-12) }
  }

  /// Units have the mean 0 and about the variance 1. What all values of a unit have in common does not count.
  @Test func unitsAreStandardized() throws {
    let layer = Linear(3, bias: false, parametrization: .weightStandardization)
    let found = try columns(layer)
    for unit in found {
      #expect(abs(unit.reduce(0, +)) < 1e-12)
      #expect(abs(length(unit) - 2) < 1e-4)
    }
    let shifted = try columns(layer) { $0["weight"] = $0["weight"]?.map { $0 + 5 } }
    for (one, other) in zip(found.joined(), shifted.joined()) {
      #expect(abs(one - other) < 1e-9)
    }
  }

  @Test(arguments: Parametrization.allCases)
  func gradientsAreCentralDifferences(parametrization: Parametrization) throws {
    let model = Sequential([
      Conv2d(4, kernel: 2, groups: 2, parametrization: parametrization), Tanh(), Flatten(),
      Linear(3, parametrization: parametrization),
    ])
    // In training u and v, which count as constants, follow from W; elsewhere they are constants.
    let trace = try trace(
      model, inputShape: [2, 3, 3], batchCount: 2, training: parametrization != .spectralNorm)
    let leaves = leaves(
      of: trace, input: HostTensor([2, 2, 3, 3], (0..<36).map { Double(($0 * 7) % 13) / 6 - 1 }))
    let sum = trace.output.square().sum()
    let parameters = trace.graph.parameters
    let gradients = trace.graph.gradients(
      of: sum, by: parameters.map { trace.graph.parameter($0) })
    try trace.graph.check()
    for (parameter, gradient) in zip(parameters, gradients) {
      let found = try ReferenceEvaluator(trace.graph).evaluate(
        [try #require(gradient)], leaves)[0]
      let expected = try centralDifferences(
        of: sum, by: \.parameters[parameter.name], at: leaves)
      #expect(deviation(found, from: expected) < 1e-6, "\(parameter.name)")
    }
  }

  // MARK: Configurations and refusals

  @Test func aConfigurationNamesThem() throws {
    for (type, more) in [
      ("Linear", [:]), ("Conv1d", ["kernel": 3]), ("Conv2d", ["kernel": 3]),
      ("ConvTranspose2d", ["kernel": 3]),
    ] as [(String, JSONObject)] {
      var object = more
      object[type == "Linear" ? "outFeatures" : "outChannels"] = 4
      func made() throws -> Parametrization? {
        let layer = try LayerCatalog.catalog.make(type, object)
        return (layer as? Linear)?.parametrization ?? (layer as? Conv1d)?.parametrization
          ?? (layer as? Conv2d)?.parametrization ?? (layer as? ConvTranspose2d)?.parametrization
      }
      #expect(try made() == nil)
      object["parametrization"] = "weightNorm"
      #expect(try made() == .weightNorm)
      object["parametrization"] = "weightStandardization"
      #expect(try made() == .weightStandardization)
      object["parametrization"] = "spectralNorm"
      #expect(try made() == .spectralNorm)
      object["parametrization"] = "spectral"
      #expect {
        try made()
      } throws: { error in
        let text = "\(error)"
        return text.contains(
          "parametrization' must be one of 'weightNorm', 'weightStandardization', 'spectralNorm'; found "
        ) && text.contains("'spectral'")
      }
    }
  }

  @Test func whatDoesNotGoTogetherIsRefusedWithTheLayersName() {
    let cases: [(model: any Model, shape: [Int], message: String)] = [
      (
        Linear(3, constraint: .maxNorm(2), parametrization: .weightNorm), [4],
        "layer 'body': the weight is computed by 'weightNorm', and a constraint would hold"
      ),
      (
        Conv2d(3, kernel: 2, constraint: .maxNorm(2), parametrization: .weightStandardization),
        [2, 4, 4], "layer 'body': the weight is computed by 'weightStandardization', and"
      ),
      (
        Conv1d(3, kernel: 2, constraint: .maxNorm(2), parametrization: .weightNorm), [2, 4],
        "layer 'body': the weight is computed by 'weightNorm', and"
      ),
      (
        Linear(3, weightInitializer: ConstantInitializer(0), parametrization: .weightNorm), [4],
        "layer 'body': the initializer of parameter 'body.parametrizations.weight.original0': it "
          + "draws zeros, and a unit of zeros has no direction"
      ),
      (
        Conv2d(4, kernel: 1, groups: 2, parametrization: .weightStandardization), [2, 4, 4],
        "layer 'body': units of the weight [4, 1, 1, 1] have one value each"
      ),
      (Linear(0, parametrization: .weightNorm), [4], "outFeatures must be positive, got 0"),
      (
        Linear(3, constraint: .maxNorm(2), parametrization: .spectralNorm), [4],
        "layer 'body': the weight is computed by 'spectralNorm', and a constraint would hold"
      ),
      (
        Conv2d(
          4, kernel: 1, weightInitializer: ConstantInitializer(0), parametrization: .spectralNorm),
        [2, 4, 4],
        "layer 'body': the initial values of statistic 'body.parametrizations.weight.0._u': the "
          + "weight is drawn as zeros, and those have no largest singular value"
      ),
      (
        ConvTranspose2d(4, kernel: 2, groups: 2, parametrization: .weightStandardization),
        [2, 4, 4],
        "layer 'body': 'weightStandardization' of a transposed convolution asks for one group"
      ),
    ]
    for (model, shape, message) in cases {
      let error = #expect(throws: GraphError.self) {
        try trace(
          Sequential(named: [("body", model), ("head", ReLU())]), inputShape: shape,
          batchCount: 2, training: true)
      }
      #expect(error?.description.contains(message) ?? false, "\(error?.description ?? "none")")
    }
  }
}
