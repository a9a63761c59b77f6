public import LockstepEngine

/// A mixture of a loss of the labels and of the divergence from a teacher's softened predictions:
/// (1 − α) · loss + α · T² · KL(softmax(t / T) ‖ softmax(x / T)).
package struct Distillation: LossFunction {
  /// The name of the teacher's logits among a batch's tensors.
  package static let teacherInput = "teacher"

  /// The loss of the labels; a mean over examples.
  package let labelLoss: any LossFunction
  /// T.
  package let temperature: Float
  /// α, the weight of the divergence, in 0...1.
  package let weight: Float
  package var name: String { "distillation" }

  /// - Throws: ``GraphError`` for a temperature that is not positive or a weight outside 0...1.
  package init(
    _ labelLoss: any LossFunction = SoftmaxCrossEntropy(), temperature: Float = 2,
    weight: Float = 0.5
  ) throws(GraphError) {
    guard temperature > 0, temperature.isFinite else {
      throw GraphError("distillation: the temperature must be positive, got \(temperature)")
    }
    guard weight >= 0, weight <= 1 else {
      throw GraphError("distillation: the weight must be in 0...1, got \(weight)")
    }
    self.labelLoss = labelLoss
    self.temperature = temperature
    self.weight = weight
  }

  package func targetType(for prediction: TensorType) -> TensorType {
    labelLoss.targetType(for: prediction)
  }

  package func callAsFunction(
    _ prediction: Tensor, _ target: Tensor, weights: Tensor?
  ) -> LossValue {
    let hard = labelLoss(prediction, target, weights: weights)
    let graph = prediction.graph
    guard graph.training, !graph.hasFailed else { return hard }
    guard prediction.shape.count == 2, hard.weightPerExample == 1, hard.weight == nil
    else {
      graph.fail(
        "distillation: expects logits [N, C] and a loss that is a mean over examples, got \(prediction.shape) and \(labelLoss.name)"
      )
      return hard
    }
    let teacher = graph.input(Self.teacherInput, prediction.shape)
    let soft = prediction.distillation(
      teacher: teacher, temperature: temperature, weights: weights)
    return LossValue(
      sum: hard.sum * (1 - weight) + soft * weight, weightPerExample: 1, metrics: hard.metrics)
  }
}

extension LossFunction where Self == Provided {
  /// A mixture of a loss of the labels and of the divergence from a teacher's softened predictions:
  /// (1 − α) · loss + α · T² · KL(softmax(t / T) ‖ softmax(x / T)).
  ///
  /// Predictions are logits [N, C]. The teacher's logits t are the batch's tensor `teacherInput`, in
  /// training alone; evaluations report the loss of the labels. Metrics are those of that loss.
  ///
  /// Source: G. Hinton, O. Vinyals, J. Dean, "Distilling the knowledge in a neural network", 2015.
  ///
  /// - Parameters:
  ///   - labelLoss: the loss by the labels.
  ///   - temperature: what the logits are divided by, positive.
  ///   - weight: the share of the teacher, 0 to 1.
  public static func distillation(
    _ labelLoss: any LossFunction = .softmaxCrossEntropy(), temperature: Float = 2,
    weight: Float = 0.5
  ) throws(GraphError) -> some LossFunction {
    try Distillation(labelLoss, temperature: temperature, weight: weight)
  }
}
