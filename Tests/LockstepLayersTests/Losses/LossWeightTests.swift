import LockstepEngine
import LockstepLayers
import Testing

/// What losses that count their positions themselves add to the divisor.
@Suite struct LossWeightTests {
  private func evaluate(
    _ loss: SoftmaxCrossEntropy, _ labels: [Double], weights: [Double]? = nil
  ) throws -> (sum: Double, weight: Double, right: Double, count: Double) {
    let graph = Graph(batchCount: 2, training: true)
    let x = graph.input("x", [2, 3, 4])
    let t = graph.input("t", [2, 3], .int32)
    let w = weights.map { _ in graph.input("w", [2]) }
    let value = loss(x, t, weights: w)
    var leaves = ReferenceEvaluator.Leaves(inputs: [
      "x": HostTensor([2, 3, 4], (0..<24).map { Double($0 * 7 % 5) / 2 }),
      "t": HostTensor([2, 3], labels),
    ])
    leaves.inputs["w"] = weights.map { HostTensor([2], $0) }
    let results = try ReferenceEvaluator(graph).evaluate(
      [
        value.sum, try #require(value.weight), value.metrics[0].sum,
        try #require(value.metrics[0].count),
      ], leaves
    ).map { $0.values[0] }
    return (results[0], results[1], results[2], results[3])
  }

  @Test("the weight is the number of positions that count, and the accuracy is over them")
  func ignored() throws {
    let loss = SoftmaxCrossEntropy(ignoreIndex: -100)
    let all = try evaluate(loss, [0, 1, 2, 3, 0, 1])
    #expect(all.weight == 6 && all.count == 6)
    let some = try evaluate(loss, [0, -100, 2, -100, -100, 1])
    #expect(some.weight == 3 && some.count == 3)
    let rest = try evaluate(loss, [-100, 1, -100, 3, 0, -100])
    #expect(abs(some.sum + rest.sum - all.sum) < 1e-12)
    #expect(some.right + rest.right == all.right)
    let none = try evaluate(loss, [Double](repeating: -100, count: 6))
    #expect(none.sum == 0 && none.weight == 0 && none.right == 0 && none.count == 0)
  }

  @Test("weights of classes and of examples multiply, and the count knows neither")
  func weights() throws {
    let loss = SoftmaxCrossEntropy(ignoreIndex: -1, classWeights: [0.5, 1, 2, 4])
    let value = try evaluate(loss, [0, 3, -1, 2, 1, -1], weights: [2, 3])
    // 2 (0.5 + 4) + 3 (2 + 1)
    #expect(value.weight == 18)
    #expect(value.count == 4)
    let ones = try evaluate(
      SoftmaxCrossEntropy(ignoreIndex: -1, classWeights: [1, 1, 1, 1]), [0, 3, -1, 2, 1, -1])
    let plain = try evaluate(SoftmaxCrossEntropy(ignoreIndex: -1), [0, 3, -1, 2, 1, -1])
    #expect(abs(ones.sum - plain.sum) < 1e-12 && ones.weight == plain.weight)
  }

  @Test("hyperparameters out of range fail the trace with their names")
  func refused() {
    func message(_ loss: any LossFunction) -> String {
      let graph = Graph(batchCount: 2, training: true)
      let x = graph.input("x", [2, 3])
      let wanted = loss.targetType(for: x.type)
      _ = loss(x, graph.input("t", wanted.shape, wanted.scalar))
      do { try graph.check() } catch { return error.description }
      return ""
    }
    #expect(message(SoftmaxCrossEntropy(classWeights: [1, 2])).contains("each of 3 classes"))
    #expect(message(SoftmaxCrossEntropy(classWeights: [0, 0, 0])).contains("not all 0"))
    #expect(message(Huber(delta: 0)).contains("delta must be positive"))
    #expect(message(SmoothL1(beta: -1)).contains("beta"))
    #expect(message(Quantile(level: 1)).contains("(0, 1)"))
    #expect(message(Quantile(levels: [0.1, 0.2])).contains("each target has an output a level"))
    #expect(message(Quantile(levels: [0.1, 0.5, 0.9])) == "")
    #expect(message(Focal(alpha: 2)).contains("alpha"))
    #expect(message(BinaryCrossEntropy(positiveWeights: [1, -1, 2])).contains("positive"))
    #expect(message(SoftmaxCrossEntropy(ignoreIndex: 0, classWeights: [1, 2, 3])) == "")
  }

  @Test("a target of another shape is refused by the loss's name")
  func shapes() {
    for loss in [
      MeanAbsoluteError(), Huber(), SmoothL1(), Quantile(), Poisson(), Focal(), KLDivergence(),
    ] as [any LossFunction] {
      let graph = Graph(batchCount: 2, training: true)
      _ = loss(graph.input("x", [2, 3]), graph.input("t", [2, 2]))
      #expect(throws: GraphError.self) { try graph.check() }
      do { try graph.check() } catch { #expect("\(error)".contains(loss.name)) }
    }
  }
}
