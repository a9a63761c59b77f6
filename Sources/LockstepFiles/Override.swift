/// One `key.path=value` that replaces a part of a configuration.
///
/// The value is JSON where it parses as JSON (`3`, `true`, `[1,2]`, `"text"`), else the text itself
/// (`cosine`). Array elements are named by their index, `layers.0.units=128`. A path that no reader
/// knows surfaces at the end of reading, like any unknown key.
package struct Override: Sendable, Equatable {
  /// The dotted path.
  package let path: String
  /// The new value.
  package let value: JSONValue

  package init(path: String, value: JSONValue) {
    self.path = path
    self.value = value
  }

  /// Parses `key.path=value`.
  package init(parsing text: String) throws(ConfigurationError) {
    guard let equals = text.firstIndex(of: "="), equals != text.startIndex else {
      throw ConfigurationError(
        source: "--set", path: "", reason: "expected key.path=value, found '\(text)'")
    }
    path = String(text[..<equals])
    let literal = String(text[text.index(after: equals)...])
    value = (try? JSONValue.parse(literal)) ?? .string(literal)
  }

  /// What a text stands for where an object is meant and it is no `type`.
  private static let shorthands = [
    "initialWeights": "file", "distillation": "teacher", "nonFinite": "policy",
  ]

  /// Sets the value in a configuration. A text on the way that stands for an object becomes it:
  /// `optimizer.learningRate=1` goes into `"optimizer": "adam"`.
  package func apply(to configuration: inout JSONValue) throws(ConfigurationError) {
    let parts = path.split(separator: ".", omittingEmptySubsequences: false)
    for length in parts.indices.dropFirst() {
      let prefix = parts[..<length].joined(separator: ".")
      guard case .string(let text)? = configuration[prefix] else { continue }
      var object = JSONObject()
      object[Self.shorthands[prefix] ?? "type"] = .string(text)
      try? configuration.set(prefix, to: .object(object))
    }
    do {
      try configuration.set(path, to: value)
    } catch {
      throw ConfigurationError(source: "--set", path: path, reason: error.description)
    }
  }
}
