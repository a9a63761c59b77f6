/// Names as PyTorch's exporters write them.
package enum ExportedNames {
  /// The texts of a list as Python prints it: ['a', 'b'].
  package static func list(_ text: String) -> [String] {
    text.split(whereSeparator: { "[],' \"".contains($0) }).map(String.init)
  }

  /// The dotted name of a module, of its name and those of the modules around it. Parts of a list have the
  /// list's name once more: features, features.0.
  package static func module(_ names: [String]) -> String {
    var parts: [String] = []
    for (index, name) in names.enumerated() {
      if index > 0, name.hasPrefix(names[index - 1] + ".") { parts.removeLast() }
      parts.append(name)
    }
    return parts.joined(separator: ".")
  }
}
