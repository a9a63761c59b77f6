import LockstepCatalog

/// The changes to images that a configuration can name.
package enum AugmentationCatalog {
  /// The changes, in the order of documentation.
  package static let catalog = Catalog<ImageChange>(
    "augmentation",
    [
      RandomShift.entry, RandomCrop.entry, RandomFlip.entry, RandomResizedCrop.entry,
      ColorJitter.entry, RandomErasing.entry, Cutout.entry, ImageMix.mixupEntry,
      ImageMix.cutMixEntry, ArrayDescription.Normalization.entry,
    ])
}

extension ArrayDescription.Normalization {
  static let entry = Entry<ImageChange>(
    "normalize", "(x − mean) / standardDeviation, a value a channel or one for all",
    [
      .required("mean", .float32Numbers, "what is subtracted"),
      .required("standardDeviation", .float32Numbers, "what is divided by then"),
    ]
  ) { values in
    let (mean, deviation): ([Float], [Float]) = (values["mean"], values["standardDeviation"])
    guard mean.count == deviation.count, !mean.isEmpty else {
      throw values.error(
        "mean",
        "has \(mean.count) values and 'standardDeviation' \(deviation.count); give one a channel "
          + "in both, or one in both")
    }
    guard deviation.allSatisfy({ $0 > 0 }) else {
      throw values.error("standardDeviation", "must be greater than 0; found \(deviation)")
    }
    return .normalization(
      .init(mean: mean.map { Double($0) }, deviation: deviation.map { Double($0) }))
  }
}

extension ImageMix {
  static let mixupEntry = Entry<ImageChange>(
    "mixup", "adds another image with a random share, and mixes the labels likewise", alpha
  ) { .mix(.mixup(alpha: $0["alpha"])) }

  static let cutMixEntry = Entry<ImageChange>(
    "cutMix", "puts a rectangle of another image in, and mixes the labels by area", alpha
  ) { .mix(.cutMix(alpha: $0["alpha"])) }

  private static let alpha: [Hyperparameter] = [
    .with(
      "alpha", .number(NumberRange(to: 4, above: 0)), 1,
      "α: shares are drawn from Beta(α, α); 1 for all alike, less for shares near 0 and 1")
  ]
}
