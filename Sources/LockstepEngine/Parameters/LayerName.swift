/// The names of the layers that parameters belong to.
package enum LayerName {
  /// The dotted name of a parameter's or statistic's layer: `encoder.0` of `encoder.0.weight`, and of
  /// `encoder.0.parametrizations.weight.original1` and `encoder.0.parametrizations.weight.0._u`, from which PyTorch's
  /// layers compute a weight.
  package static func of(_ parameter: String) -> String {
    var parts = parameter.split(separator: ".", omittingEmptySubsequences: false)
    if isSingularVector(parameter) { return parts.dropLast(4).joined(separator: ".") }
    let isPartOfWeight =
      parts.count >= 3 && parts[parts.count - 3] == "parametrizations"
      && parts[parts.count - 1].hasPrefix("original")
    parts.removeLast(isPartOfWeight ? 3 : 1)
    return parts.joined(separator: ".")
  }

  /// Whether a statistic is a vector of power iteration, `encoder.0.parametrizations.weight.0._u` or `…._v`.
  package static func isSingularVector(_ statistic: String) -> Bool {
    ["_u", "_v"].contains { vector in
      let own = "parametrizations.weight.0.\(vector)"
      return statistic == own || statistic.hasSuffix(".\(own)")
    }
  }
}
