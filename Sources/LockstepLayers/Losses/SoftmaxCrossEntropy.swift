import LockstepCatalog
public import LockstepEngine

/// −Σ q · log softmax(logits) with q = (1 − s) · onehot(label) + s / C.
///
/// Predictions are logits [N, C] or [N, …, C], targets Int32 labels [N] or [N, …]; the mean is over
/// labels, PyTorch's `cross_entropy`. Metric: `accuracy`.
public struct SoftmaxCrossEntropy: LossFunction {
  /// s, the part of a label that is spread evenly over all classes; PyTorch's `label_smoothing`.
  public let labelSmoothing: Float
  public var name: String { "softmaxCrossEntropy" }

  /// - Parameter labelSmoothing: s, in 0...1.
  public init(labelSmoothing: Float = 0) { self.labelSmoothing = labelSmoothing }

  public func targetType(for prediction: TensorType) -> TensorType {
    TensorType(prediction.shape.dropLast(), .int32)
  }

  public func callAsFunction(
    _ prediction: Tensor, _ target: Tensor, weights: Tensor?
  ) -> LossValue {
    let shape = prediction.shape
    let graph = prediction.graph
    guard shape.count >= 2, target.type == targetType(for: prediction.type) else {
      graph.fail(
        "softmax cross-entropy: expects logits [N, …, C] and one integer label each, got \(shape) and \(target.type.scalar) \(target.shape)"
      )
      return LossValue(sum: graph.constant(0), weightPerExample: 1, metrics: [])
    }
    let labelsPerExample = Float(shape[1..<shape.count - 1].reduce(1, *))
    let rows = prediction.reshaped(to: [-1, shape[shape.count - 1]])
    let labels = target.reshaped(to: [-1])
    var rowWeights = weights
    if let weights, shape.count > 2 {
      let spread = [shape[0]] + Array(repeating: 1, count: shape.count - 2)
      rowWeights = weights.reshaped(to: spread).broadcast(to: Array(shape.dropLast()))
        .reshaped(to: [-1])
    }
    return LossValue(
      sum: rows.softmaxCrossEntropy(
        labels: labels, smoothing: labelSmoothing, weights: rowWeights),
      weightPerExample: labelsPerExample,
      metrics: [
        LossMetric(
          name: "accuracy", sum: rows.correctCount(labels: labels),
          countPerExample: labelsPerExample)
      ])
  }
}

extension SoftmaxCrossEntropy {
  package static let entry = Entry<any LossFunction>(
    "softmaxCrossEntropy", "−log of the softmax at the class, from logits",
    [
      .with(
        "labelSmoothing", .fraction, 0,
        "the part of a label that is spread evenly over all classes")
    ]
  ) { values in SoftmaxCrossEntropy(labelSmoothing: values["labelSmoothing"]) }
}
