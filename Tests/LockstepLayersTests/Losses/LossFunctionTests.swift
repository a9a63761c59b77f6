import LockstepEngine
import LockstepLayers
import LockstepTestSupport
import Testing

@Suite struct LossFunctionTests {
  private func evaluate(
    _ loss: any LossFunction, _ prediction: HostTensor, _ target: HostTensor,
    weights: HostTensor? = nil
  ) throws -> (sum: Double, weightPerExample: Float, metrics: [String: Double]) {
    let graph = Graph(batchCount: prediction.shape[0], training: true)
    let x = graph.input("x", prediction.shape)
    let t = graph.input("t", target.shape, loss.targetType(for: x.type).scalar)
    let w = weights.map { graph.input("w", $0.shape) }
    let value = loss(x, t, weights: w)
    var leaves = ReferenceEvaluator.Leaves(inputs: ["x": prediction, "t": target])
    leaves.inputs["w"] = weights
    let results = try ReferenceEvaluator(graph).evaluate(
      [value.sum] + value.metrics.map(\.sum), leaves)
    var metrics: [String: Double] = [:]
    for (metric, result) in zip(value.metrics, results.dropFirst()) {
      let count = Double(prediction.shape[0]) * Double(metric.countPerExample)
      metrics[metric.name] = result.values[0] / count
    }
    return (results[0].values[0], value.weightPerExample, metrics)
  }

  @Test("cross-entropy of even logits is log C an example, smoothed or not", arguments: [0, 0.3])
  func evenLogits(_ smoothing: Float) throws {
    let value = try evaluate(
      SoftmaxCrossEntropy(labelSmoothing: smoothing), HostTensor([3, 4], repeating: 2),
      HostTensor([3], [0, 3, 1]))
    // log 4
    #expect(abs(value.sum - 3 * 1.386_294_361_119_890_6) < 1e-12)
    #expect(value.weightPerExample == 1)
    // Of equal logits the first counts.
    #expect(value.metrics == ["accuracy": 1.0 / 3])
  }

  @Test("a sequence of labels is as many labels, weighted by example")
  func sequences() throws {
    let logits = HostTensor([2, 3, 2], [1, 0, 2, -1, 0.5, 0, 3, 1, -2, 0, 1, 1.5])
    let labels = HostTensor([2, 3], [0, 1, 0, 1, 1, 0])
    let loss = SoftmaxCrossEntropy()
    let both = try evaluate(loss, logits, labels)
    #expect(both.weightPerExample == 3)
    #expect(both.metrics == ["accuracy": 3.0 / 6])
    let flat = try evaluate(
      loss, HostTensor([6, 2], logits.values), HostTensor([6], labels.values))
    #expect(abs(both.sum - flat.sum) < 1e-12)
    let weighted = try evaluate(loss, logits, labels, weights: HostTensor([2], [2, 0.5]))
    let flatWeighted = try evaluate(
      loss, HostTensor([6, 2], logits.values), HostTensor([6], labels.values),
      weights: HostTensor([6], [2, 2, 2, 0.5, 0.5, 0.5]))
    #expect(abs(weighted.sum - flatWeighted.sum) < 1e-12)
  }

  @Test("weights scale an example's loss, and zero leaves it out", arguments: [0, 1, 2])
  func weights(_ index: Int) throws {
    let loss: any LossFunction =
      [SoftmaxCrossEntropy(), BinaryCrossEntropy(), MeanSquaredError()][index]
    let x = HostTensor([3, 2], [0.5, -1, 2, 1, -0.25, 0.75])
    let t = index == 0 ? HostTensor([3], [1, 0, 1]) : HostTensor([3, 2], [1, 0, 0, 1, 1, 1])
    func part(_ example: Int) throws -> Double {
      var weights = HostTensor([3])
      weights.values[example] = 1
      return try evaluate(loss, x, t, weights: weights).sum
    }
    let parts = try (0..<3).map(part)
    #expect(parts.allSatisfy { $0 > 0 })
    #expect(abs(try evaluate(loss, x, t).sum - parts.reduce(0, +)) < 1e-12)
    let weighted = try evaluate(loss, x, t, weights: HostTensor([3], [2, 0, 0.5]))
    #expect(abs(weighted.sum - (2 * parts[0] + 0.5 * parts[2])) < 1e-12)
  }

  @Test("means over outputs divide by outputs and examples, as PyTorch's")
  func outputs() throws {
    let x = HostTensor([2, 3], [1, -1, 0.5, -2, 3, -0.5])
    let t = HostTensor([2, 3], [1, 0, 0, 0, 1, 1])
    let squared = try evaluate(MeanSquaredError(), x, t)
    #expect(squared.weightPerExample == 3)
    #expect(squared.metrics.isEmpty)
    // (0 + 1 + 0.25 + 4 + 4 + 2.25)
    #expect(abs(squared.sum - 11.5) < 1e-12)
    let binary = try evaluate(BinaryCrossEntropy(), x, t)
    #expect(binary.weightPerExample == 3)
    #expect(binary.metrics == ["accuracy": 4.0 / 6])
  }

  @Test("targets that do not fit are refused")
  func errors() {
    let graph = Graph(batchCount: 2, training: true)
    _ = SoftmaxCrossEntropy()(graph.input("x", [2, 3]), graph.input("t", [3], .int32))
    let error = #expect(throws: GraphError.self) { try graph.check() }
    #expect(
      error?.description
        == "softmax cross-entropy: expects logits [N, …, C] and one integer label each, got [2, 3] and int32 [3]"
    )
  }
}
