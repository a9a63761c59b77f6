import LockstepEngine
import LockstepFiles
import LockstepLayers
import LockstepTestSupport
import Testing

/// The same models as in `scripts/reference/models.py`.
private struct Nested: Model {
  let head = Linear(4)
  let blocks = [Inner(6), Inner(6)]
  let shared: Conv2d? = Conv2d(6, 6, kernel: 1)
  let stem = Conv2d(2, 6, kernel: [3, 2], stride: [2, 1], padding: [1, 0], bias: false)
  let norm = BatchNorm1d()

  func callAsFunction(_ input: Tensor) -> Tensor {
    guard let shared else { return input }
    var x = shared(stem(input))
    for block in blocks { x = shared(x + block(x)) }
    return head(norm(AvgPool2d(2)(x).flattened()).silu())
  }
}

private struct Inner: Model {
  let depthwise: Conv2d
  let body: Sequential

  init(_ channels: Int) {
    depthwise = Conv2d(channels, kernel: 3, padding: .same, groups: channels)
    body = Sequential([GELU(), Conv2d(channels, kernel: 1, groups: 2)])
  }
  func callAsFunction(_ input: Tensor) -> Tensor { body(depthwise(input)) }
}

private let models: [(name: String, model: any Model)] = [
  ("cnn", Sequential.digitsCNN(channels: (3, 5), units: 7, classes: 4, dropout: 0)),
  ("mlp", Sequential.multilayerPerceptron(sizes: [9, 5, 3], activation: .tanh)),
  ("resnet padded", ResNet(depth: 8, classes: 5, width: 4)),
  ("resnet projection", ResNet(depth: 8, classes: 5, width: 4, shortcut: .projection)),
  ("nested", Nested()),
]

/// Whole models with PyTorch's weights, against PyTorch.
@Suite struct ModelParityTests {
  private let file: ReferenceFile
  init() throws { file = try ReferenceFile("LockstepTestSupport/Data/models.safetensors") }

  private func traced(
    _ index: Int, training: Bool
  ) throws -> (name: String, trace: Trace, leaves: ReferenceEvaluator.Leaves) {
    let (name, model) = models[index]
    let input = try file.tensor("\(name)/input")
    let trace = try trace(
      model, inputShape: Array(input.shape.dropFirst()), batchCount: input.shape[0],
      training: training)
    var leaves = ReferenceEvaluator.Leaves(inputs: ["input": input])
    for parameter in trace.graph.parameters {
      leaves.parameters[parameter.name] = try file.tensor("\(name)/state/\(parameter.name)")
    }
    for statistic in trace.graph.statistics {
      leaves.statistics[statistic.name] = try file.tensor("\(name)/state/\(statistic.name)")
    }
    return (name, trace, leaves)
  }

  @Test("names and order are those of PyTorch's state", arguments: models.indices)
  func names(_ index: Int) throws {
    let (name, trace, _) = try traced(index, training: true)
    let description = try #require(file.descriptions.first { $0.text("name") == name })
    #expect(trace.graph.parameters.map(\.name) == description.texts("parameters"))
    #expect(trace.graph.statistics.map(\.name) == description.texts("statistics"))
  }

  @Test("the output in evaluation", arguments: models.indices)
  func evaluation(_ index: Int) throws {
    let (name, trace, leaves) = try traced(index, training: false)
    let output = try ReferenceEvaluator(trace.graph).evaluate([trace.output], leaves)[0]
    #expect(deviation(output, from: try file.tensor("\(name)/eval")) < 1e-10)
  }

  @Test("output, loss, gradients and running statistics in training", arguments: models.indices)
  func training(_ index: Int) throws {
    var (name, trace, leaves) = try traced(index, training: true)
    let labels = try file.tensor("\(name)/labels")
    leaves.inputs["labels"] = labels
    let loss = SoftmaxCrossEntropy()
    let target = trace.graph.input(
      "labels", loss.targetType(for: trace.output.type).shape, .int32)
    let value = loss(trace.output, target)
    let evaluator = ReferenceEvaluator(trace.graph)

    let results = try evaluator.evaluate([trace.output, value.sum], leaves)
    #expect(deviation(results[0], from: try file.tensor("\(name)/train")) < 1e-10)
    #expect(deviation(results[1], from: try file.tensor("\(name)/loss")) < 1e-10)

    let parameters = trace.graph.parameters.map { trace.graph.parameter($0) }
    let gradients = trace.graph.gradients(of: value.sum, by: parameters)
    for (parameter, gradient) in zip(trace.graph.parameters, gradients) {
      let actual = try evaluator.evaluate([try #require(gradient)], leaves)[0]
      let expected = try file.tensor("\(name)/gradient/\(parameter.name)")
      // A bias before batch normalisation has no gradient but roundings.
      let scale = expected.values.reduce(0) { max($0, abs($1)) }
      let apart = deviation(actual, from: expected) * min(1, scale / 1e-6)
      #expect(apart < 1e-9, "\(parameter.name)")
    }

    let after = try evaluator.statistics(after: leaves)
    #expect(after.count == trace.graph.statistics.count)
    for statistic in trace.graph.statistics {
      let actual = try #require(after[statistic.name])
      // n / (n − 1) is held in Float32.
      let expected = try file.tensor("\(name)/after/\(statistic.name)")
      #expect(deviation(actual, from: expected) < 1e-7, "\(statistic.name)")
    }
  }

  @Test(
    "residual networks have as many parameters as PyTorch's", arguments: [20, 32, 56],
    ResNet.Shortcut.allCases)
  func parameterCounts(_ depth: Int, _ shortcut: ResNet.Shortcut) throws {
    let trace = try trace(
      ResNet(depth: depth, shortcut: shortcut), inputShape: [3, 32, 32], batchCount: 2,
      training: true)
    let count = trace.graph.parameters.reduce(0) { $0 + $1.shape.reduce(1, *) }
    let description = file.descriptions.first {
      $0.text("name") == "resnet\(depth) \(shortcut.rawValue)"
    }
    #expect(count == description?.integer("parameterCount"))
    #expect(trace.output.shape == [2, 10])
  }
}
