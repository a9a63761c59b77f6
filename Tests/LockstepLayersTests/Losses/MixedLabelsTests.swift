import LockstepEngine
import LockstepLayers
import Testing

/// The loss of mixed labels is that of the mixture of distributions, and the plain loss for whole shares.
@Suite struct MixedLabelsTests {
  private static let logits = (0..<12).map { Double($0 * 7 % 5) / 2 }

  private func evaluate(
    _ loss: any LossFunction, labels: [Double], other: [Double], shares: [Double],
    training: Bool = true
  ) throws -> (sum: Double, weight: Double?, right: Double) {
    let graph = Graph(batchCount: 3, training: training)
    let x = graph.input("x", [3, 4])
    let value = MixedLabels(loss)(x, graph.input("t", [3], .int32))
    var leaves = ReferenceEvaluator.Leaves(inputs: [
      "x": HostTensor([3, 4], Self.logits), "t": HostTensor([3], labels),
    ])
    if training {
      leaves.inputs[MixedLabels.labelInput] = HostTensor([3], other)
      leaves.inputs[MixedLabels.shareInput] = HostTensor([3], shares)
    }
    let tensors = [value.sum, value.metrics[0].sum] + (value.weight.map { [$0] } ?? [])
    let results = try ReferenceEvaluator(graph).evaluate(tensors, leaves).map { $0.values[0] }
    return (results[0], results.count > 2 ? results[2] : nil, results[1])
  }

  /// −Σ_c q_c log softmax(x)_c of row n.
  private func crossEntropy(_ n: Int, _ q: [Double]) -> Double {
    let row = Self.logits[4 * n..<4 * n + 4]
    let sum = row.reduce(0) { $0 + power($1) }
    return zip(row, q).reduce(0) { $0 - $1.1 * ($1.0 - logarithm(sum)) }
  }

  private func power(_ x: Double) -> Double { ExactMath.exponential(x) }
  private func logarithm(_ x: Double) -> Double { ExactMath.logarithm(x) }

  @Test(arguments: [Float(0), 0.1]) func itIsTheLossOfTheMixedLabel(_ smoothing: Float) throws {
    let (labels, other, shares) = ([0.0, 2, 3], [1.0, 2, 0], [0.25, 0.5, 0.9])
    let found = try evaluate(
      SoftmaxCrossEntropy(labelSmoothing: smoothing), labels: labels, other: other, shares: shares)
    let s = Double(smoothing)
    let expected = (0..<3).reduce(0.0) { sum, n in
      var q = [Double](repeating: s / 4, count: 4)
      q[Int(labels[n])] += (1 - s) * shares[n]
      q[Int(other[n])] += (1 - s) * (1 - shares[n])
      return sum + crossEntropy(n, q)
    }
    #expect(abs(found.sum - expected) < 1e-6)
    #expect(found.weight == nil)
  }

  @Test func wholeSharesAreThePlainLoss() throws {
    let plain = try evaluate(
      SoftmaxCrossEntropy(), labels: [0, 2, 3], other: [], shares: [], training: false)
    let whole = try evaluate(
      SoftmaxCrossEntropy(), labels: [0, 2, 3], other: [1, 1, 1], shares: [1, 1, 1])
    #expect(whole.sum == plain.sum && whole.right == plain.right)
    let none = try evaluate(
      SoftmaxCrossEntropy(), labels: [1, 1, 1], other: [0, 2, 3], shares: [0, 0, 0])
    #expect(none.sum == plain.sum)
  }

  @Test func weightsOfClassesAreMixedToo() throws {
    let loss = SoftmaxCrossEntropy(classWeights: [0.5, 1, 2, 4])
    let found = try evaluate(
      loss, labels: [0, 2, 3], other: [1, 2, 0], shares: [0.25, 0.5, 0.75])
    // 0.25 · 0.5 + 0.75 · 1, 2, 0.75 · 4 + 0.25 · 0.5
    #expect(abs(try #require(found.weight) - (0.875 + 2 + 3.125)) < 1e-6)
  }
}
