/// One `key.path=value` that replaces a part of a configuration.
///
/// The value is JSON where it parses as JSON (`3`, `true`, `[1,2]`, `"text"`), else the text itself
/// (`cosine`). Array elements are named by their index, `layers.0.units=128`. A path that no reader
/// knows surfaces at the end of reading, like any unknown key.
public struct Override: Sendable, Equatable {
  /// The dotted path.
  public let path: String
  /// The new value.
  public let value: JSONValue

  public init(path: String, value: JSONValue) {
    self.path = path
    self.value = value
  }

  /// Parses `key.path=value`.
  public init(parsing text: String) throws(ConfigurationError) {
    guard let equals = text.firstIndex(of: "="), equals != text.startIndex else {
      throw ConfigurationError(
        source: "--set", path: "", reason: "expected key.path=value, found '\(text)'")
    }
    path = String(text[..<equals])
    let literal = String(text[text.index(after: equals)...])
    value = (try? JSONValue.parse(literal)) ?? .string(literal)
  }

  /// Sets the value in a configuration.
  public func apply(to configuration: inout JSONValue) throws(ConfigurationError) {
    do {
      try configuration.set(path, to: value)
    } catch {
      throw ConfigurationError(source: "--set", path: path, reason: error.description)
    }
  }
}
