import LockstepCatalog

/// The losses that a configuration can name.
package enum LossCatalog {
  /// The losses, in the order of documentation.
  package static let catalog = Catalog<any LossFunction>(
    "loss",
    [
      SoftmaxCrossEntropy.entry, BinaryCrossEntropy.entry, Focal.entry, KLDivergence.entry,
      MeanSquaredError.entry, MeanAbsoluteError.entry, Huber.entry, SmoothL1.entry,
      Quantile.entry, Poisson.entry,
    ],
    fallback: SoftmaxCrossEntropy.entry.name)
}
