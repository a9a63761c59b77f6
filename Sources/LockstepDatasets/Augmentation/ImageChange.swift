/// One change to images, as a configuration gives it.
package enum ImageChange: Sendable {
  /// A change that is another one in each epoch, in training alone.
  case random(any InputTransform)
  /// A mixture with another image, in training alone.
  case mix(ImageMix)
  /// A normalisation, which holds for evaluations too.
  case normalization(ArrayDescription.Normalization)
}
