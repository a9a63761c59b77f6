/// The losses of a batch, each summed over its examples. A sum carries no 1/N: training divides the
/// folded gradient once by the folded weight.
package struct SummedLoss: Operation {
  package enum Kind: Sendable, Equatable {
    /// −Σ q log softmax(x) with q = (1 − s) · onehot + s / C; x [N, C], labels Int32 [N].
    case softmaxCrossEntropy(smoothing: Float)
    /// Σ max(x, 0) − x·t + log(1 + e^−|x|); x and targets Float32 of one shape.
    case binaryCrossEntropy
    /// Σ (x − t)².
    case squaredError
    /// T² Σ q (log q − log p) with p = softmax(x / T), q = softmax(t / T): x and a teacher's logits t
    /// Float32 [N, C].
    case distillation(temperature: Float)
  }

  package let kind: Kind
  package var name: String {
    switch kind {
    case .softmaxCrossEntropy: "softmax cross-entropy"
    case .binaryCrossEntropy: "binary cross-entropy"
    case .squaredError: "squared error"
    case .distillation: "distillation"
    }
  }
  package var precisionRole: PrecisionRole { .exact }

  /// Targets may be labels.
  package func acceptsIntegers(_ input: Int) -> Bool { input == 1 }
  package func placeholders(_ inputs: [TensorType]) -> [TensorType] { [TensorType([])] }

  /// Inputs: predictions, targets, and optionally one Float32 weight an example [N].
  package func infer(_ inputs: [TensorType]) throws(GraphError) -> [TensorType] {
    let (x, target) = (inputs[0], inputs[1])
    try expect(!x.shape.isEmpty, "expects predictions [N, …]")
    if case .softmaxCrossEntropy(let smoothing) = kind {
      try expect(x.shape.count == 2, "expects logits [N, C], got \(x.shape)")
      try expect(
        target == TensorType([x.shape[0]], .int32),
        "expects \(x.shape[0]) integer labels, got \(target.scalar) \(target.shape)")
      try expect(smoothing >= 0 && smoothing <= 1, "label smoothing must be in 0...1")
    } else {
      try expect(
        x == target, "predictions \(x.shape) and targets \(target.scalar) \(target.shape) differ")
    }
    if case .distillation(let temperature) = kind {
      try expect(x.shape.count == 2, "expects logits [N, C], got \(x.shape)")
      try expect(
        temperature > 0 && temperature.isFinite,
        "the temperature must be positive, got \(temperature)")
    }
    if inputs.count > 2 {
      try expect(
        inputs[2] == TensorType([x.shape[0]]),
        "expects \(x.shape[0]) weights, one an example, got \(inputs[2].shape)")
    }
    return [TensorType([])]
  }

  package func reverse(_ call: Call, _ gradients: [Tensor?]) -> [Tensor?] {
    guard let d = gradients[0] else { return call.inputs.map { _ in nil } }
    let dx = d.graph.apply(SummedLossGradient(kind: kind), [d] + call.inputs)[0]
    return [dx] + call.inputs.dropFirst().map { _ in nil }
  }
}

/// d · ∂loss/∂x, from the scalar d, predictions, targets, and weights where there are any.
package struct SummedLossGradient: Operation {
  package let kind: SummedLoss.Kind
  package var name: String { "gradient of \(SummedLoss(kind: kind).name)" }
  package var precisionRole: PrecisionRole { .exact }
  package func acceptsIntegers(_ input: Int) -> Bool { input == 2 }

  package func infer(_ inputs: [TensorType]) throws(GraphError) -> [TensorType] { [inputs[1]] }
  package func reverse(_ call: Call, _ gradients: [Tensor?]) -> [Tensor?] {
    call.inputs.map { _ in nil }
  }
}

extension Tensor {
  private func loss(_ kind: SummedLoss.Kind, _ targets: Tensor, _ weights: Tensor?) -> Tensor {
    graph.apply(SummedLoss(kind: kind), [self, targets] + (weights.map { [$0] } ?? []))[0]
  }
  /// The summed softmax cross-entropy of logits [N, C] and integer labels [N].
  public func softmaxCrossEntropy(
    labels: Tensor, smoothing: Float = 0, weights: Tensor? = nil
  ) -> Tensor {
    loss(.softmaxCrossEntropy(smoothing: smoothing), labels, weights)
  }
  /// The summed binary cross-entropy of logits and targets in 0...1.
  public func binaryCrossEntropy(targets: Tensor, weights: Tensor? = nil) -> Tensor {
    loss(.binaryCrossEntropy, targets, weights)
  }
  /// The summed squared error.
  public func squaredError(targets: Tensor, weights: Tensor? = nil) -> Tensor {
    loss(.squaredError, targets, weights)
  }
  /// The summed divergence from a teacher's softened predictions, both [N, C], times T².
  public func distillation(
    teacher: Tensor, temperature: Float, weights: Tensor? = nil
  ) -> Tensor {
    loss(.distillation(temperature: temperature), teacher, weights)
  }
  /// How many of the logits [N, C] are largest at their label.
  public func correctCount(labels: Tensor) -> Tensor {
    apply(CorrectCount(kind: .argmax), labels)
  }
  /// How many logits are positive exactly where their target is one.
  public func correctCount(targets: Tensor) -> Tensor {
    apply(CorrectCount(kind: .sign), targets)
  }
}

extension SummedLoss {
  /// ⟨∂loss/∂x, ẋ⟩. Targets and weights do not move.
  package func tangent(_ call: Call, _ tangents: [Tensor?]) -> [Tensor?]? {
    guard tangents.dropFirst().allSatisfy({ $0 == nil }), let dx = tangents[0] else { return nil }
    let graph = dx.graph
    let gradient = graph.apply(
      SummedLossGradient(kind: kind), [graph.constant(1)] + call.inputs)[0]
    return [(gradient * dx).sum()]
  }
}
