import LockstepEngine
import LockstepTestSupport
import Testing

/// Deterministic values of both signs, without a repetition.
private func values(_ shape: [Int], _ phase: Double) -> HostTensor {
  let count = shape.reduce(1, *)
  return HostTensor(
    shape,
    (0..<count).map { index in
      let position = (Double(index) * 0.754877666 + phase).truncatingRemainder(dividingBy: 1)
      return 2 * position - 0.97
    })
}

/// Compositions: what single operations cannot show.
@Suite struct DifferentiationTests {
  @Test("a value that is used several times collects all of its gradients")
  func sharedValue() throws {
    let graph = Graph(batchCount: 2, training: true)
    let x = graph.input("x", [2, 3])
    // d/dx Σ (x² · x + x) = 3x² + 1
    let y = (x.square() * x + x).sum()
    let gradient = try #require(graph.gradients(of: y, by: [x])[0])
    let point = values([2, 3], 0.1)
    let result = try ReferenceEvaluator(graph).evaluate([gradient], .init(inputs: ["x": point]))[0]
    #expect(deviation(result, from: point.map { 3 * $0 * $0 + 1 }) < 1e-14)
  }

  @Test("no gradient flows where nothing depends")
  func independent() throws {
    let graph = Graph(batchCount: 2, training: true)
    let (x, other) = (graph.input("x", [2]), graph.input("other", [2]))
    let gradients = graph.gradients(of: x.sum(), by: [x, other])
    #expect(gradients[0] != nil)
    #expect(gradients[1] == nil)
  }

  @Test("a residual network's gradient agrees with central differences")
  func residualNetwork() throws {
    let graph = Graph(batchCount: 3, training: true)
    let x = graph.input("x", [3, 2, 5, 6])
    var tensors = [(name: "x", tensor: x)]
    let labels = graph.input("labels", [3], .int32)
    var leaves = ReferenceEvaluator.Leaves(inputs: [
      "x": values([3, 2, 5, 6], 0.3), "labels": HostTensor([3], [0, 2, 1]),
    ])
    func weight(_ name: String, _ shape: [Int]) -> Tensor {
      leaves.inputs[name] = values(shape, Double(leaves.inputs.count) * 0.377)
      tensors.append((name, graph.input(name, shape)))
      return tensors[tensors.count - 1].tensor
    }
    let first = x.convolved(weight("conv1", [2, 2, 3, 3]), window: .same(kernel: [3, 3]))
    let normalized = first.batchNormalized(
      weight("scale", [2]), weight("shift", [2]), epsilon: 1e-3
    ).result
    let inner = normalized.silu().convolved(
      weight("conv2", [2, 1, 4, 3]), weight("bias2", [2]), window: .same(kernel: [4, 3]), groups: 2)
    let joined = Tensor.concatenated([(inner + x).tanh(), first], axis: 1)
    let pooled = joined.averagePooled(Window(kernel: [2, 2], strides: [2, 2], padding: [1, 1]))
    let logits = pooled.flattened().linear(weight("dense", [3, 48]), weight("dense.bias", [3]))
    let loss = logits.softmaxCrossEntropy(labels: labels, smoothing: 0.1)

    let gradients = graph.gradients(of: loss, by: tensors.map(\.tensor))
    for (name, gradient) in zip(tensors.map(\.name), gradients) {
      let actual = try ReferenceEvaluator(graph).evaluate([try #require(gradient)], leaves)[0]
      let expected = try centralDifferences(of: loss, by: \.inputs[name], at: leaves)
      #expect(deviation(actual, from: expected) < 1e-6, "\(name)")
    }
  }

  @Test("a leaf without a value, or of a wrong shape, is named")
  func missingLeaves() {
    let graph = Graph(batchCount: 2, training: true)
    let y = graph.input("pixels", [2, 3]).relu()
    let evaluator = ReferenceEvaluator(graph)
    var error = #expect(throws: GraphError.self) { try evaluator.evaluate([y], .init()) }
    #expect(error?.description == "no value was given for input 'pixels'")
    error = #expect(throws: GraphError.self) {
      try evaluator.evaluate([y], .init(inputs: ["pixels": HostTensor([3])]))
    }
    #expect(error?.description == "input 'pixels' has shape [2, 3], its value [3]")
  }
}
