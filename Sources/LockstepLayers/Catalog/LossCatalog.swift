/// The losses that a configuration can name.
public enum LossCatalog {
  /// The losses, by the names that configurations use.
  public static let catalog = Catalog<any LossFunction>(
    noun: "a loss",
    entries: [
      .init(
        "softmaxCrossEntropy", "−log of the softmax at the class, from logits",
        [
          .with(
            "labelSmoothing", .number(0...1), default: .number(0),
            "the part of a label that is spread evenly over all classes")
        ]
      ) { values in SoftmaxCrossEntropy(labelSmoothing: values.float("labelSmoothing")) },
      .init(
        "binaryCrossEntropy", "of the sigmoid with targets from 0 to 1, from logits"
      ) { _ in BinaryCrossEntropy() },
      .init("meanSquaredError", "the mean of (prediction − target)²") { _ in MeanSquaredError() },
    ])
}
