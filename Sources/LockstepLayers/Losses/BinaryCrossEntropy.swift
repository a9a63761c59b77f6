import LockstepCatalog
import LockstepEngine

/// −p t log sigmoid(x) − (1 − t) log(1 − sigmoid(x)), the cross-entropy of sigmoid(x) and t, in the stable
/// form max(x, 0) − x t + log(1 + e^−|x|) where p is 1.
package struct BinaryCrossEntropy: LossFunction {
  /// p, the weights of the targets that are 1: one for all outputs, or one for each of the last axis;
  /// nil for one each. PyTorch's `pos_weight`.
  package let positiveWeights: [Float]?
  /// Whether p is to be made of the training part: (zeros) / (ones) of each output.
  package let isBalanced: Bool
  package var name: String { "binaryCrossEntropy" }

  /// Makes the loss, PyTorch's `BCEWithLogitsLoss`.
  ///
  /// - Parameters:
  ///   - positiveWeights: p, positive; (number of zeros) / (number of ones) of an output makes
  ///     up for a rare label.
  ///   - isBalanced: whether it is to be made of the training part (``FittedLoss``).
  package init(positiveWeights: [Float]? = nil, isBalanced: Bool = false) {
    self.positiveWeights = positiveWeights
    self.isBalanced = isBalanced
  }

  package func targetType(for prediction: TensorType) -> TensorType { prediction }

  package func callAsFunction(
    _ prediction: Tensor, _ target: Tensor, weights: Tensor?
  ) -> LossValue {
    if isBalanced {
      prediction.graph.fail("\(name): the positive weights were not made of the training part")
      return .failed(prediction.graph)
    }
    let outputs = valuesPerExample(prediction.shape)
    var sum = prediction.binaryCrossEntropy(targets: target, weights: weights)
    if let positiveWeights {
      let isValid =
        positiveWeights.allSatisfy { $0 > 0 && $0.isFinite }
        && (positiveWeights.count == 1 || positiveWeights.count == prediction.shape.last)
      guard
        prediction.requireTargets(
          target, of: name, isValid,
          "the positive weights are positive, one for all outputs or one for each of the last axis; got "
            + "\(positiveWeights) for outputs of shape \(prediction.shape)")
      else { return .failed(prediction.graph) }
      // What is missing: (p − 1) t · (−log sigmoid(x)).
      let more = prediction.graph.values(
        positiveWeights.map { $0 - 1 }, [positiveWeights.count])
      sum = sum + ((-prediction).softplus() * target * more).weighted(by: weights).sum()
    }
    return LossValue(
      sum: sum, weightPerExample: outputs,
      metrics: [
        LossMetric(
          name: "accuracy", sum: prediction.correctCount(targets: target), countPerExample: outputs)
      ])
  }
}

extension BinaryCrossEntropy {
  package static let entry = Entry<any LossFunction>(
    "binaryCrossEntropy", "of the sigmoid with targets from 0 to 1, from logits",
    [
      .optional(
        "positiveWeights",
        .either(.choice(["balanced"]), .numbers(NumberRange(from: 1e-30, to: 1e30))),
        "the weight of targets that are 1: one for all outputs, or one for each, or `balanced`: of each, the "
          + "training part's zeros over its ones", absence: "1")
    ]
  ) { values in
    let weights: ClassWeights? = values["positiveWeights"]
    if case .given(let given)? = weights { return BinaryCrossEntropy(positiveWeights: given) }
    return BinaryCrossEntropy(isBalanced: weights == .balanced)
  }
}

extension BinaryCrossEntropy: FittedLoss {
  package var needsFitting: Bool { isBalanced }
  package var countsLabels: Bool { isBalanced }

  package func fitted(
    counts: [Int]?, rows: Int, names: [String]?
  ) throws(GraphError) -> any LossFunction {
    guard isBalanced else { return self }
    guard let counts else {
      throw GraphError(
        "\(name): balanced weights need the counts of the training part's labels, which these weights were "
          + "saved without: give 'positiveWeights' as numbers")
    }
    if let place = counts.firstIndex(where: { $0 == 0 || $0 == rows }) {
      throw GraphError(
        "\(name): balanced weights need targets of 0 and of 1, and target \(place + 1) is "
          + "\(counts[place] == 0 ? "0" : "1") in all \(rows) training examples")
    }
    return BinaryCrossEntropy(
      positiveWeights: counts.map { Float(Double(rows - $0) / Double($0)) })
  }
}

extension LossFunction where Self == Provided {
  /// −p t log sigmoid(x) − (1 − t) log(1 − sigmoid(x)), the cross-entropy of sigmoid(x) and t, in the stable
  /// form max(x, 0) − x t + log(1 + e^−|x|) where p is 1.
  ///
  /// Predictions are logits [N, …], targets of the same shape lie in 0...1; the mean is over all
  /// outputs, PyTorch's `binary_cross_entropy_with_logits`. Metric: `accuracy`, the part of outputs
  /// that are positive exactly where the target is above one half.
  ///
  /// - Parameter positiveWeights: a factor of the positive term for each output; nil for ones.
  public static func binaryCrossEntropy(positiveWeights: [Float]? = nil) -> some LossFunction {
    BinaryCrossEntropy(positiveWeights: positiveWeights)
  }
}
