/// A way of mixing an image with another one of the training part; the labels are mixed in the same shares.
package enum ImageMix: Sendable, Equatable {
  /// λ x + (1 − λ) x′ with λ drawn from Beta(α, α).
  ///
  /// Source: H. Zhang et al., "mixup: Beyond empirical risk minimization", 2018.
  case mixup(alpha: Double)
  /// A rectangle of the other image in its place; λ is the share of the area that stays, drawn from
  /// Beta(α, α) before the rectangle is cut at the image's borders.
  ///
  /// Source: S. Yun et al., "CutMix", 2019.
  case cutMix(alpha: Double)
}
