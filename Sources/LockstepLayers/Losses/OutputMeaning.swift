/// What a model's outputs mean under a loss: what metrics make probabilities and decisions of.
package enum OutputMeaning: Sendable, Equatable {
  /// Logits of one class each, of which one is right.
  case classLogits
  /// A logit for each label, which may all be right.
  case labelLogits
  /// Estimates of the targets.
  case numbers
}

/// A loss that says what outputs mean under it. Metrics of whole evaluations ask for it.
package protocol InterpretingLoss: LossFunction {
  /// What outputs mean; nil where it is none of the meanings.
  var outputMeaning: OutputMeaning? { get }
  /// Whether the loss is the mean of −log p of the labels, so that e^loss is a perplexity.
  var isLogLikelihood: Bool { get }
  /// The label of positions that do not count.
  var ignoredLabel: Int32? { get }
}

extension InterpretingLoss {
  package var isLogLikelihood: Bool { false }
  package var ignoredLabel: Int32? { nil }
}

extension SoftmaxCrossEntropy: InterpretingLoss {
  package var outputMeaning: OutputMeaning? { .classLogits }
  package var isLogLikelihood: Bool { labelSmoothing == 0 && classWeights == nil && !needsFitting }
  package var ignoredLabel: Int32? { ignoreIndex }
}

extension BinaryCrossEntropy: InterpretingLoss {
  package var outputMeaning: OutputMeaning? { .labelLogits }
}

extension Focal: InterpretingLoss {
  package var outputMeaning: OutputMeaning? { .labelLogits }
}

extension MeanSquaredError: InterpretingLoss {
  package var outputMeaning: OutputMeaning? { .numbers }
}

extension MeanAbsoluteError: InterpretingLoss {
  package var outputMeaning: OutputMeaning? { .numbers }
}

extension Huber: InterpretingLoss {
  package var outputMeaning: OutputMeaning? { .numbers }
}

extension SmoothL1: InterpretingLoss {
  package var outputMeaning: OutputMeaning? { .numbers }
}

extension Quantile: InterpretingLoss {
  /// One quantile estimates the target; several are an interval.
  package var outputMeaning: OutputMeaning? { levels.count == 1 ? .numbers : nil }
}

extension Distillation: InterpretingLoss {
  package var outputMeaning: OutputMeaning? {
    (labelLoss as? any InterpretingLoss)?.outputMeaning
  }
  /// Without training there is no teacher, and the loss is that of the labels.
  package var isLogLikelihood: Bool {
    (labelLoss as? any InterpretingLoss)?.isLogLikelihood ?? false
  }
}
