import LockstepCollective
import LockstepEngine
import LockstepOptimization
import LockstepTraining
import LockstepTrainingTestSupport
import Testing

private struct Zeros: Initializer {
  func fill(
    _ values: inout MutableSpan<Float>, shape: [Int],
    using random: inout some RandomNumberGenerator
  ) { values.update(repeating: 0) }
}

private func parameter(
  _ name: String, _ shape: [Int], _ kind: String, trainable: Bool = true
) -> ParameterSpecification {
  ParameterSpecification(
    name: name, shape: shape, initializer: Zeros(), trainable: trainable, layerKind: kind)
}

private let model = [
  parameter("stem.weight", [9, 9], "Linear", trainable: false),
  parameter("wide.weight", [3, 5000], "Linear"), parameter("wide.bias", [3], "Linear"),
  parameter("conv.weight", [7, 3, 3, 3], "Conv2d"),
]
private let layout = FlatLayout(model.filter(\.trainable).map { ($0.name, $0.shape) })

/// The gradient that is added, and the penalty over all blocks in order.
private func penalize(
  _ regularizer: Regularizer, _ parameters: [Float], order: [Int]? = nil
) -> ([Float], Double) {
  var gradient = [Float](repeating: 0, count: layout.count)
  var penalties = [Double](repeating: 0, count: layout.blocks().count)
  gradient.withUnsafeMutableBufferPointer { g in
    parameters.withUnsafeBufferPointer { p in
      for block in order ?? Array(penalties.indices) {
        penalties[block] = regularizer.add(block: block, to: g, parameters: p)
      }
    }
  }
  return (gradient, penalties.reduce(0, +))
}

private func weights(scale: Float = 1) -> [Float] {
  var values = [Float](repeating: 0, count: layout.count)
  for slot in layout.slots {
    for (index, value) in roughValues(slot.count, seed: UInt64(slot.offset + 5)).enumerated() {
      values[slot.offset + index] = value / 64 * scale
    }
  }
  return values
}

@Suite struct RegularizerTests {
  private static let rules = [
    RegularizerRule(.kernels(ofKind: "Linear"), WeightRegularizer(l1: 0.125, l2: 0.5)),
    RegularizerRule(.pattern("*.bias"), WeightRegularizer(l2: 0.25)),
  ]

  /// l1 Σ|w| + l2 Σw² and its derivative, on the tensors that the rules are about.
  @Test func thePenaltyIsItsFormula() throws {
    let regularizer = try Regularizer(Self.rules, specifications: model, layout: layout)
    let parameters = weights()
    let (gradient, penalty) = penalize(regularizer, parameters)
    var expected = 0.0
    for (slot, (l1, l2)) in zip(layout.slots, [(0.125, 0.5), (0, 0.25), (0, 0)]) {
      for i in slot.range {
        let w = Double(parameters[i])
        expected += l1 * w.magnitude + l2 * w * w
        let slope = l1 * (w > 0 ? 1 : w < 0 ? -1 : 0) + 2 * l2 * w
        #expect((Double(gradient[i]) - slope).magnitude <= 1e-6 * (1 + slope.magnitude))
      }
    }
    #expect(expected > 0)
    #expect((penalty - expected).magnitude <= 1e-12 * expected)
  }

  /// The gradient is the slope of the penalty.
  @Test func theGradientIsTheSlope() throws {
    let regularizer = try Regularizer(Self.rules, specifications: model, layout: layout)
    let parameters = weights()
    let (gradient, _) = penalize(regularizer, parameters)
    for slot in layout.slots {
      let index = slot.offset + slot.count / 2
      guard parameters[index].magnitude > 0x1p-8 else { continue }
      var up = parameters
      var down = parameters
      up[index] += 0x1p-9
      down[index] -= 0x1p-9
      let slope = (penalize(regularizer, up).1 - penalize(regularizer, down).1) * 0x1p8
      #expect((Double(gradient[index]) - slope).magnitude <= 1e-4 * (1 + slope.magnitude))
    }
  }

  @Test func bitsDependNeitherOnOrderNorInstructionSet() throws {
    let parameters = weights()
    let first = penalize(
      try Regularizer(Self.rules, specifications: model, layout: layout), parameters)
    for set in InstructionSet.allCases where set <= .detected {
      let regularizer = try Regularizer(
        Self.rules, specifications: model, layout: layout, instructionSet: set)
      let other = penalize(
        regularizer, parameters, order: Array(layout.blocks().indices.reversed()))
      #expect(other.0.map(\.bitPattern) == first.0.map(\.bitPattern), "\(set)")
      #expect(other.1.bitPattern == first.1.bitPattern, "\(set)")
    }
  }

  /// In a step the penalty is added once, whatever the number of ranks: the gradient's norm and the
  /// loss are those of the regularised loss.
  @Test func stepsHaveTheSameBitsOnAnyNumberOfRanks() throws {
    let specifications = [
      parameter("weight", [LinearRegression.outputs, LinearRegression.inputs], "Linear"),
      parameter("bias", [LinearRegression.outputs], "Linear"),
    ]
    @Sendable func train(
      _ group: any Collective, _ penalty: WeightRegularizer?
    ) throws -> (weights: [Float], reports: [StepReport]) {
      let source = LinearRegression()
      let rule = try UpdateRule(
        layout: regressionParameters,
        chain: Chain(ClipByGlobalNorm(0.3)) + .sgd(learningRate: 0.05))
      let regularizer = try penalty.map {
        try Regularizer(
          [RegularizerRule(.kernels(ofKind: "Linear"), $0)], specifications: specifications,
          layout: regressionParameters)
      }
      let step = try TrainingStep(
        source: source, update: rule, regularizer: regularizer, shards: 8, on: group)
      let reports = try (0..<5).map { try step.run(TrainingStepTests.batch($0, .init())) }
      return (source.parameterValues, reports)
    }
    let penalty = WeightRegularizer(l1: 0.01, l2: 0.2)
    let free = try train(SoloCollective(), nil)
    let alone = try train(SoloCollective(), penalty)
    let start = LinearRegression().parameterValues[..<15].map(Double.init)
    let expected = start.reduce(0) { $0 + 0.01 * $1.magnitude + 0.2 * $1 * $1 }
    #expect(
      (alone.reports[0].loss - free.reports[0].loss - expected).magnitude <= 1e-12
        * alone.reports[0].loss)
    #expect(alone.weights != free.weights)
    #expect(alone.reports[0].update.gradientNorm != free.reports[0].update.gradientNorm)
    for ranks in [2, 3, 5, 8] {
      for other in try group(of: ranks, { try train($0, penalty) }) {
        #expect(
          other.weights.map(\.bitPattern) == alone.weights.map(\.bitPattern), "\(ranks) ranks")
        #expect(other.reports == alone.reports, "\(ranks) ranks")
      }
    }
  }

  @Test(arguments: [
    ([RegularizerRule(.pattern("tail.*"), WeightRegularizer(l2: 1))], "pattern", "no trainable"),
    ([RegularizerRule(.pattern("stem.*"), WeightRegularizer(l2: 1))], "pattern", "frozen"),
    (
      [RegularizerRule(.kernels(ofKind: "LSTM"), WeightRegularizer(l2: 1))], "kind",
      "Conv2d, Linear"
    ),
    (
      [
        RegularizerRule(.pattern("wide.*"), WeightRegularizer(l2: 1)),
        RegularizerRule(.kernels(ofKind: "Linear"), WeightRegularizer(l1: 1)),
      ], "kind", "wide.weight"
    ),
    ([RegularizerRule(.pattern("*"), WeightRegularizer(l1: -1))], "l1", "at least 0"),
    ([RegularizerRule(.pattern("*"), WeightRegularizer(l2: .nan))], "l2", "finite"),
    ([RegularizerRule(.pattern("*"), WeightRegularizer(l2: 3e38))], "l2", "too large"),
  ])
  func badRulesAreNamed(_ rules: [RegularizerRule], _ key: String, _ text: String) {
    let error = #expect(throws: HyperparameterError.self) {
      try Regularizer(rules, specifications: model, layout: layout)
    }
    #expect(error?.key == key)
    #expect(error?.description.contains(text) == true, "\(String(describing: error))")
  }
}
