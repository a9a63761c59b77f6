import LockstepCatalog
import LockstepEngine

/// The part of predictions whose label is among the k classes with the largest logits.
package struct TopKAccuracy: Metric {
  /// k, at least 1.
  package let count: Int
  package var name: String { "top\(count)Accuracy" }

  /// Makes the metric of the k = `count` largest logits.
  package init(_ count: Int) { self.count = count }

  package func sums(_ prediction: Tensor, _ target: Tensor) -> [Tensor] {
    guard let classes = prediction.shape.last, prediction.shape.count > 1, classes > 0,
      target.shape == Array(prediction.shape.dropLast())
    else {
      prediction.graph.fail(
        "\(name): expects logits [N, …, C] and one integer label each, got \(prediction.shape) "
          + "and \(target.type)")
      return [prediction.graph.constant(0)]
    }
    let places = prediction.shape.dropLast().dropFirst().reduce(1, *)
    let found = prediction.reshaped(to: [-1, classes])
      .topCount(labels: target.reshaped(to: [-1]), largest: count)
    return [places == 1 ? found : found / Float(places)]
  }
}

extension TopKAccuracy {
  package static let entry = Entry<any Metric>(
    "topKAccuracy",
    "the part of predictions whose label is among the `count` largest logits; reported as "
      + "`top5Accuracy`",
    [.with("count", .size, 5, "how many of the largest logits count")]
  ) { values in TopKAccuracy(values["count"]) }
}

extension Metric where Self == Provided {
  /// The part of predictions whose label is among the k classes with the largest logits.
  ///
  /// Predictions are logits [N, …, C], targets one integer label each. Of equal logits the first count, so
  /// that k = 1 is the accuracy that `SoftmaxCrossEntropy` reports. (scikit-learn's
  /// `top_k_accuracy_score`.)
  ///
  /// - Parameter count: k, at least 1.
  public static func topKAccuracy(_ count: Int) -> some Metric { TopKAccuracy(count) }
}
