/// The names of the layers that parameters belong to.
package enum LayerName {
  /// The dotted name of a parameter's or statistic's layer: `encoder.0` of `encoder.0.weight`, and of
  /// `encoder.0.parametrizations.weight.original1`, from which PyTorch's layers compute a weight.
  package static func of(_ parameter: String) -> String {
    var parts = parameter.split(separator: ".", omittingEmptySubsequences: false)
    let isPartOfWeight =
      parts.count >= 3 && parts[parts.count - 3] == "parametrizations"
      && parts[parts.count - 1].hasPrefix("original")
    parts.removeLast(isPartOfWeight ? 3 : 1)
    return parts.joined(separator: ".")
  }
}
