import LockstepCatalog
import LockstepEngine

/// −Σ_c w_c q_c log softmax(x)_c with q = (1 − s) · onehot(label) + s / C, over the positions that count.
package struct SoftmaxCrossEntropy: LossFunction {
  /// s, the part of a label that is spread evenly over all classes; PyTorch's `label_smoothing`.
  package let labelSmoothing: Float
  /// The label of positions that do not count; PyTorch's `ignore_index`, which is −100 there. Nil
  /// where all count.
  package let ignoreIndex: Int32?
  /// w, a weight a class; PyTorch's `weight`. Nil for one each, or where they are still to be made.
  package let classWeights: [Float]?
  /// What weights are to be made of; nil where they are given.
  private let unfitted: ClassWeights?
  package var name: String { "softmaxCrossEntropy" }

  /// - Parameters:
  ///   - labelSmoothing: s, in 0...1.
  ///   - ignoreIndex: the label of positions that do not count.
  ///   - classWeights: a weight a class, none negative, not all zero.
  package init(
    labelSmoothing: Float = 0, ignoreIndex: Int32? = nil, classWeights: [Float]? = nil
  ) {
    self.init(
      labelSmoothing: labelSmoothing, ignoreIndex: ignoreIndex,
      weights: classWeights.map { .given($0) })
  }

  /// As the other initialiser, with weights that may have to be made (``FittedLoss``).
  package init(labelSmoothing: Float, ignoreIndex: Int32?, weights: ClassWeights?) {
    self.labelSmoothing = labelSmoothing
    self.ignoreIndex = ignoreIndex
    if case .given(let values)? = weights {
      classWeights = values
      unfitted = nil
    } else {
      classWeights = nil
      unfitted = weights
    }
  }

  package func targetType(for prediction: TensorType) -> TensorType {
    TensorType(prediction.shape.dropLast(), .int32)
  }

  package func callAsFunction(
    _ prediction: Tensor, _ target: Tensor, weights: Tensor?
  ) -> LossValue {
    let shape = prediction.shape
    let graph = prediction.graph
    if unfitted != nil {
      graph.fail("softmax cross-entropy: the weights of classes were not made of the training part")
      return .failed(graph)
    }
    guard shape.count >= 2, target.type == targetType(for: prediction.type) else {
      graph.fail(
        "softmax cross-entropy: expects logits [N, …, C] and one integer label each, got \(shape) and \(target.type.scalar) \(target.shape)"
      )
      return .failed(graph)
    }
    let labelsPerExample = Float(shape[1..<shape.count - 1].reduce(1, *))
    let rows = prediction.reshaped(to: [-1, shape[shape.count - 1]])
    let labels = target.reshaped(to: [-1])
    let rowWeights = weights?.perPosition(shape)
    let right = rows.correctCount(labels: labels)
    guard ignoreIndex != nil || classWeights != nil else {
      return LossValue(
        sum: rows.softmaxCrossEntropy(
          labels: labels, smoothing: labelSmoothing, weights: rowWeights),
        weightPerExample: labelsPerExample,
        metrics: [
          LossMetric(name: "accuracy", sum: right, countPerExample: labelsPerExample)
        ])
    }
    let counted = labels.labelWeights(ignoring: ignoreIndex)
    var byLabel = counted
    if let classWeights {
      guard isValid(classWeights, classes: rows.shape[1], graph) else { return .failed(graph) }
      byLabel = labels.labelWeights(ignoring: ignoreIndex, classWeights: classWeights)
    }
    let count = labels.labelWeightSum(ignoring: ignoreIndex)
    var weight = labels.labelWeightSum(ignoring: ignoreIndex, classWeights: classWeights)
    if let rowWeights {
      byLabel = byLabel * rowWeights
      weight = byLabel.sum()
    }
    return LossValue(
      sum: sum(rows, labels, byLabel, counted: rowWeights.map { counted * $0 } ?? counted),
      weight: weight, metrics: [LossMetric(name: "accuracy", sum: right, count: count)])
  }

  /// The summed loss where positions weigh differently.
  ///
  /// - Parameters:
  ///   - byLabel: w_label of each position, 0 where it does not count.
  ///   - counted: the same with all weights of classes one.
  private func sum(
    _ rows: Tensor, _ labels: Tensor, _ byLabel: Tensor, counted: Tensor
  ) -> Tensor {
    guard let classWeights, labelSmoothing != 0 else {
      return rows.softmaxCrossEntropy(
        labels: labels, smoothing: labelSmoothing, weights: byLabel)
    }
    // (1 − s) w_label (L − x_label) + s / C Σ w_c (L − x_c), L being the row's log Σ e^x. The operation
    // knows L − Σ x_c / C; with the mean w̄ of the weights the second part is
    // s w̄ (L − Σ x_c / C) − s / C Σ (w_c − w̄) x_c.
    let classes = Float(classWeights.count)
    let mean = classWeights.reduce(0, +) / classes
    let hard = rows.softmaxCrossEntropy(labels: labels, weights: byLabel)
    // Any class is a label of a row that is smoothed wholly, but a row that does not count has none.
    let even = rows.softmaxCrossEntropy(labels: labels, smoothing: 1, weights: counted)
    let tilt = rows.graph.values(
      classWeights.map { ($0 - mean) / classes }, [classWeights.count])
    let tilted = (rows * tilt).sum([1]) * counted
    return hard * (1 - labelSmoothing) + even * (labelSmoothing * mean)
      - tilted.sum() * labelSmoothing
  }

  private func isValid(_ classWeights: [Float], classes: Int, _ graph: Graph) -> Bool {
    guard classWeights.count == classes, classWeights.allSatisfy({ $0 >= 0 && $0.isFinite }),
      classWeights.contains(where: { $0 > 0 })
    else {
      graph.fail(
        "softmax cross-entropy: expects a weight for each of \(classes) classes, none negative and not "
          + "all 0, got \(classWeights)")
      return false
    }
    return true
  }
}

extension SoftmaxCrossEntropy {
  package static let entry = Entry<any LossFunction>(
    "softmaxCrossEntropy", "−log of the softmax at the class, from logits",
    [
      .with(
        "labelSmoothing", .fraction, 0,
        "the part of a label that is spread evenly over all classes"),
      .optional(
        "ignoreIndex", .integer(Int(Int32.min)...Int(Int32.max)),
        "the label of positions that do not count", absence: "all count"),
      .optional(
        "classWeights",
        .either(
          .choice(["balanced"]),
          .either(
            .namedNumbers(NumberRange(from: 0, to: 1e30)),
            .numbers(NumberRange(from: 0, to: 1e30)))),
        "a weight for each class: a list in the order of their numbers, an object by their names (others have "
          + "1), or `balanced`: n / (k · nᶜ) of the training part's n examples, k classes and nᶜ examples of a "
          + "class", absence: "1 each"),
    ]
  ) { values in
    let ignored: Int? = values["ignoreIndex"]
    return SoftmaxCrossEntropy(
      labelSmoothing: values["labelSmoothing"], ignoreIndex: ignored.map { Int32($0) },
      weights: values["classWeights"])
  }
}

extension SoftmaxCrossEntropy: FittedLoss {
  package var needsFitting: Bool { unfitted != nil }
  package var countsLabels: Bool { unfitted == .balanced }

  package func fitted(
    counts: [Int]?, rows: Int, names: [String]?
  ) throws(GraphError) -> any LossFunction {
    guard let unfitted else { return self }
    return SoftmaxCrossEntropy(
      labelSmoothing: labelSmoothing, ignoreIndex: ignoreIndex,
      classWeights: try unfitted.values(of: name, counts: counts, rows: rows, names: names))
  }
}

extension LossFunction where Self == Provided {
  /// −Σ_c w_c q_c log softmax(x)_c with q = (1 − s) · onehot(label) + s / C, over the positions that count.
  ///
  /// Predictions are logits [N, C] or [N, …, C], targets Int32 labels [N] or [N, …]. The mean is Σ loss /
  /// Σ w_label over the positions whose label is not ignored: PyTorch's `cross_entropy`. Metric:
  /// `accuracy`, of the positions that count.
  ///
  /// Nothing is ignored by default, unlike in PyTorch: where all positions of all examples count alike,
  /// ranks know the divisor before they compute, which hides a part of their messages.
  ///
  /// - Parameters:
  ///   - labelSmoothing: what is spread over all classes, 0..<1.
  ///   - ignoreIndex: the label that does not count; nil for none.
  ///   - classWeights: a weight a class; nil for ones.
  public static func softmaxCrossEntropy(
    labelSmoothing: Float = 0, ignoreIndex: Int32? = nil, classWeights: [Float]? = nil
  ) -> some LossFunction {
    SoftmaxCrossEntropy(
      labelSmoothing: labelSmoothing, ignoreIndex: ignoreIndex, classWeights: classWeights)
  }
}
