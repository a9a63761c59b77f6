/// How an image comes to the size that a model takes.
package enum ImageFit: String, Sendable, CaseIterable {
  /// It is scaled until it covers the size, and the middle is cut out.
  case crop
  /// Its height and its width are scaled, each as far as it takes.
  case stretch
  /// It has the size already; another one is an error.
  case exact
}
