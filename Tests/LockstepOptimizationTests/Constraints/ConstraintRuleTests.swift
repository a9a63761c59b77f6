import LockstepEngine
import LockstepOptimization
import Testing

private struct Zeros: Initializer {
  func fill(
    _ values: inout MutableSpan<Float>, shape: [Int],
    using random: inout some RandomNumberGenerator
  ) { values.update(repeating: 0) }
}

private func parameter(
  _ name: String, _ shape: [Int], _ kind: String, constraint: WeightConstraint? = nil,
  trainable: Bool = true
) -> ParameterSpecification {
  ParameterSpecification(
    name: name, shape: shape, initializer: Zeros(), constraint: constraint, trainable: trainable,
    layerKind: kind)
}

private let model = [
  parameter("stem.weight", [4, 3, 3, 3], "Conv2d", trainable: false),
  parameter("stem.bias", [4], "Conv2d", trainable: false),
  parameter("body.0.weight", [8, 4, 3, 3], "Conv2d"), parameter("body.0.bias", [8], "Conv2d"),
  parameter("body.1.weight", [8], "BatchNorm2d"), parameter("body.1.bias", [8], "BatchNorm2d"),
  parameter("body.2.weight", [8, 8, 1, 1], "Conv2d"),
  parameter("rnn.weight_ih_l0", [16, 8], "LSTM"), parameter("rnn.weight_hh_l0", [16, 4], "LSTM"),
  parameter("rnn.bias_ih_l0", [16], "LSTM"),
  parameter("head.weight", [10, 8], "Linear", constraint: .maxNorm(3)),
  parameter("head.bias", [10], "Linear"),
]
private let layout = FlatLayout(model.filter(\.trainable).map { ($0.name, $0.shape) })

private func resolve(_ rules: [ConstraintRule]) throws -> [String: WeightConstraint] {
  let constraints = try ConstraintRule.resolve(rules, specifications: model, layout: layout)
  #expect(constraints.count == layout.slots.count)
  // What is resolved can be used.
  _ = try UpdateRule(layout: layout, chain: .sgd(), constraints: constraints)
  var named: [String: WeightConstraint] = [:]
  for (slot, constraint) in zip(layout.slots, constraints) { named[slot.name] = constraint }
  return named
}

@Suite struct ConstraintRuleTests {
  @Test func layersKeepTheirOwnWhereNoRuleIsAboutThem() throws {
    #expect(try resolve([]) == ["head.weight": .maxNorm(3)])
    #expect(
      try resolve([ConstraintRule(.pattern("head.*"), .nonNegative)])
        == ["head.weight": .nonNegative, "head.bias": .nonNegative])
  }

  /// Convolution clipping: the kernels of a kind, without biases and without frozen layers.
  @Test func aKindMeansItsKernels() throws {
    #expect(
      try resolve([ConstraintRule(.kernels(ofKind: "Conv2d"), .maxNorm(2))]) == [
        "body.0.weight": .maxNorm(2), "body.2.weight": .maxNorm(2), "head.weight": .maxNorm(3),
      ])
    #expect(
      try resolve([ConstraintRule(.kernels(ofKind: "LSTM"), .spectralNorm(1))]) == [
        "rnn.weight_ih_l0": .spectralNorm(1), "rnn.weight_hh_l0": .spectralNorm(1),
        "head.weight": .maxNorm(3),
      ])
  }

  /// Weights that are computed from parameters of other names are meant by these.
  @Test func aKindWithoutWeightsOfThatNameIsToldTheNames() throws {
    let names = ["parametrizations.weight.original0", "parametrizations.weight.original1", "bias"]
    let parts = names.map { parameter("0.\($0)", [4, 3], "Linear") }
    let layout = FlatLayout(parts.map { ($0.name, $0.shape) })
    let error = #expect(throws: HyperparameterError.self) {
      try ConstraintRule.resolve(
        [ConstraintRule(.kernels(ofKind: "Linear"), .maxNorm(2))], specifications: parts,
        layout: layout)
    }
    #expect(
      error?.description
        == "constraint rule: kind = \"Linear\" is the kind of layers whose weights have other names: give a "
        + "'pattern' of 0.\(names[0]), 0.\(names[1]), 0.bias")
  }

  @Test func patternsMeanNames() throws {
    #expect(
      try resolve([
        ConstraintRule(.pattern("*.bias"), .valueBox(-1, 1)),
        ConstraintRule(.pattern("body.?.weight"), .ball(4).every(2)),
      ]) == [
        "body.0.bias": .valueBox(-1, 1), "body.1.bias": .valueBox(-1, 1),
        "head.bias": .valueBox(-1, 1), "body.0.weight": .ball(4).every(2),
        "body.1.weight": .ball(4).every(2), "body.2.weight": .ball(4).every(2),
        "head.weight": .maxNorm(3),
      ])
  }

  @Test(arguments: [
    (
      [ConstraintRule(.pattern("tail.*"), .unitNorm())],
      "constraint rule: pattern = \"tail.*\" matches no trainable parameter; there are "
    ),
    (
      [ConstraintRule(.pattern("stem.*"), .unitNorm())],
      "constraint rule: pattern = \"stem.*\" matches frozen parameters only"
    ),
    (
      [ConstraintRule(.kernels(ofKind: "Conv1d"), .unitNorm())],
      "constraint rule: kind = \"Conv1d\" is the kind of no layer with weights: there are "
        + "BatchNorm2d, Conv2d, LSTM, Linear"
    ),
    (
      [
        ConstraintRule(.kernels(ofKind: "Conv2d"), .unitNorm()),
        ConstraintRule(.pattern("body.2.*"), .maxNorm(1)),
      ],
      "constraint rule: pattern = \"body.2.*\" is about body.2.weight, and so is kind 'Conv2d': a "
        + "parameter can have one"
    ),
    (
      [ConstraintRule(.pattern("body.0.weight"), .minMaxNorm(2, 1))],
      "constraint on pattern 'body.0.weight': minimum = 2.0 must not be above maximum = 1.0"
    ),
    (
      [ConstraintRule(.kernels(ofKind: "Conv2d"), .valueBox(1, -1))],
      "constraint on kind 'Conv2d': lower = 1.0 must not be above upper = -1.0"
    ),
    (
      [ConstraintRule(.pattern("body.*"), .maxNorm(1, axes: .axes([3])))],
      "constraint on body.0.bias: axes = [3] must lie in 0..<1, the axes of shape [8]"
    ),
    (
      [ConstraintRule(.pattern("body.*"), .maxNorm(-1))],
      "constraint on pattern 'body.*': limit = -1.0 must be a finite number above 0"
    ),
    (
      [ConstraintRule(.pattern("body.*"), .maxNorm(.nan))],
      "constraint on pattern 'body.*': limit = nan must be a finite number above 0"
    ),
    (
      [ConstraintRule(.pattern("body.*"), .nonNegative.every(0))],
      "constraint on pattern 'body.*': every = 0.0 must be a whole number, at least 1"
    ),
  ])
  func badRulesAreNamed(_ rules: [ConstraintRule], _ text: String) {
    let error = #expect(throws: HyperparameterError.self) { try resolve(rules) }
    #expect(error?.description.hasPrefix(text) == true, "\(error?.description ?? "")")
  }
}
