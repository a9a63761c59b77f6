import LockstepFiles

/// Reads an object of a configuration key by key, with types, ranges and defaults, and knows at the end
/// which keys nobody asked for.
///
/// Where a key is missing its default is taken; without a default that is an error. A key is
/// known from the moment it is read; ``resolved`` is the configuration with all defaults filled
/// in, in the order of reading.
///
/// One value and a list of one value are the same: `"mean": 0` where a list is read is `[0]`, and
/// `"limit": [1]` where a number is read is 1. The same holds for objects. ``resolved`` has the form
/// that was asked for.
package final class ConfigurationReader {
  /// The file or other origin of the configuration, for errors.
  package let source: String
  /// The dotted path of this object, empty for the root.
  package let path: String

  /// The folder that paths in the configuration are relative to; nil for the working directory.
  let directory: String?
  let object: JSONObject
  private(set) var entries: [(key: String, entry: Reading)] = []
  private(set) var known: Set<String> = []
  /// Keys that belong to other types than the one that was chosen here, and those types.
  private(set) var keysOfOtherTypes: [String: [String]] = [:]
  /// The keys that will be read, as far as they are known before.
  var expected: [String] = []
  /// Whether the type that says which keys are known is still to be read.
  var isTypeOpen = false
  /// The key that may stand in the choice's place.
  var alternative: String?
  /// The object around this one.
  private(set) weak var parent: ConfigurationReader?
  /// Whether the object around this one lacks it.
  let isAbsent: Bool

  /// What was read under a key.
  enum Reading {
    case value(JSONValue)
    case object(ConfigurationReader)
    case objects([ConfigurationReader])
  }

  /// Reads an object; any other value is an error.
  ///
  /// - Parameter directory: the folder that paths are relative to; nil for the working directory.
  package convenience init(
    _ value: JSONValue, source: String = "configuration", directory: String? = nil
  ) throws(ConfigurationError) {
    guard case .object(let object) = value else {
      throw ConfigurationError(
        source: source, path: "", reason: "expected an object, found \(value.kind)")
    }
    self.init(object, source: source, path: "", directory: directory)
  }

  private init(
    _ object: JSONObject, source: String, path: String, directory: String?,
    in parent: ConfigurationReader? = nil, isAbsent: Bool = false
  ) {
    self.object = object
    self.directory = directory
    self.source = source
    self.path = path
    self.parent = parent
    self.isAbsent = isAbsent
  }

  // MARK: - Errors

  /// The full path of a key of this object.
  package func path(of key: String) -> String { path.isEmpty ? key : "\(path).\(key)" }

  /// An error about a key, for conditions that only the caller knows: `"'a.b' must be even"`.
  package func error(_ key: String, _ reason: String) -> ConfigurationError {
    ConfigurationError(
      source: source, path: path(of: key), reason: "'\(path(of: key))' \(reason)")
  }

  /// Refuses a number where an object is meant, and says which object it stands for.
  package func refuseNumber(
    _ key: String, meaning form: (JSONValue) -> JSONValue
  ) throws(ConfigurationError) {
    guard let raw = peek(key), raw.doubleValue != nil else { return }
    throw error(
      key,
      "must be an object; found \(raw.compactText); did you mean \(form(raw).compactText)?")
  }

  private func mismatch(
    _ key: String, expected: String, _ value: JSONValue
  ) -> ConfigurationError {
    var text = value.compactText
    if text.count > 40 { text = text.prefix(37) + "..." }
    let found = value == .null ? "null" : "\(value.kind), \(text)"
    return error(key, "must be \(expected); found \(found)")
  }

  // MARK: - Looking

  /// Whether the key is there and not null. This does not count as reading it.
  package func contains(_ key: String) -> Bool { object[key] ?? .null != .null }

  /// The raw value of a key, for deciding how to read it. This does not count as reading it.
  package func peek(_ key: String) -> JSONValue? { object[key] }

  /// The keys that are there, in the order of the text.
  package var keys: [String] { object.keys }

  // MARK: - Reading

  /// Reads a key by `convert`, which returns nil for a value of the wrong type or range.
  ///
  /// null is a wrong type.
  ///
  /// - Parameters:
  ///   - fallback: the value of an absent key; nil makes the key required.
  ///   - expected: what the value must be, in words.
  ///   - json: the value as ``resolved`` shows it.
  ///   - unwraps: whether a list of one value is tried as that value, too.
  package func read<Value>(
    _ key: String, default fallback: Value?, expected: String, json: (Value) -> JSONValue,
    unwraps: Bool = true, _ convert: (JSONValue) -> Value?
  ) throws(ConfigurationError) -> Value {
    known.insert(key)
    let value: Value
    switch object[key] {
    case nil:
      guard let fallback else { throw missing(key, expected: expected) }
      value = fallback
    case .some(let raw):
      guard let converted = convert(raw) ?? (unwraps ? raw.onlyElement.flatMap(convert) : nil)
      else {
        throw mismatch(key, expected: expected, raw)
      }
      value = converted
    }
    record(key, .value(json(value)))
    return value
  }

  private func record(_ key: String, _ entry: Reading) {
    known.insert(key)
    if let index = entries.firstIndex(where: { $0.key == key }) {
      entries[index].entry = entry
    } else {
      entries.append((key, entry))
    }
  }

  /// Whether an optional key has a value; if not, it is recorded as null.
  package func isPresent(_ key: String) -> Bool {
    if contains(key) { return true }
    record(key, .value(.null))
    return false
  }

  /// Tells which keys the types have that could have been chosen here; a key that the chosen type
  /// lacks is then explained.
  package func noteTypes(_ types: [(name: String, keys: [String])]) {
    for type in types {
      for key in type.keys { keysOfOtherTypes[key, default: []].append(type.name) }
    }
  }

  /// The path of a file, relative to the configuration's folder where it is not absolute. It is
  /// recorded as an absolute path, so that the resolved configuration means the same files anywhere.
  package func filePath(_ key: String) throws(ConfigurationError) -> String {
    try read(key, default: nil, expected: "a path", json: { .string($0) }) { [directory] value in
      value.stringValue.map { AbsolutePath.of($0, in: directory) }
    }
  }

  // MARK: - Nested objects

  /// A nested object. An absent one is empty, so that the defaults of its keys hold.
  ///
  /// - Parameter shorthand: the key that a text in the object's place stands for: with `type`,
  ///   `"adam"` is `{"type": "adam"}`.
  package func object(
    _ key: String, shorthand: String? = nil
  ) throws(ConfigurationError) -> ConfigurationReader {
    known.insert(key)
    if case .object(let reader)? = entries.first(where: { $0.key == key })?.entry { return reader }
    let reader: ConfigurationReader
    if let raw = object[key] {
      guard let found = nested(raw.onlyElement ?? raw, key, shorthand) else {
        throw mismatch(key, expected: expectation("an object", shorthand), raw)
      }
      reader = found
    } else {
      reader = .init(
        JSONObject(), source: source, path: path(of: key), directory: directory, in: self,
        isAbsent: true)
    }
    record(key, .object(reader))
    return reader
  }

  /// A list of objects; a single object counts as a list of one. One that is absent or null is an
  /// error, unless `required` is false: then it is empty.
  ///
  /// - Parameter shorthand: the key that a text in an object's place stands for.
  package func objects(
    _ key: String, required: Bool = true, shorthand: String? = nil
  ) throws(ConfigurationError) -> [ConfigurationReader] {
    known.insert(key)
    switch entries.first(where: { $0.key == key })?.entry {
    case .objects(let readers)?: return readers
    case .object(let reader)?: return [reader]
    default: break
    }
    let expected = expectation("an array of objects", shorthand)
    guard let raw = object[key] else {
      if required { throw missing(key, expected: expected) }
      record(key, .objects([]))
      return []
    }
    if raw == .null, !required {
      record(key, .value(.null))
      return []
    }
    guard let elements = raw.arrayValue else {
      guard let reader = nested(raw, key, shorthand) else {
        throw mismatch(key, expected: expected, raw)
      }
      record(key, .object(reader))
      return [reader]
    }
    var readers: [ConfigurationReader] = []
    for (index, element) in elements.enumerated() {
      guard let reader = nested(element, "\(key).\(index)", shorthand) else {
        throw mismatch("\(key).\(index)", expected: expectation("an object", shorthand), element)
      }
      readers.append(reader)
    }
    record(key, .objects(readers))
    return readers
  }

  /// A reader of an object, or of a text that stands for one; nil for anything else.
  private func nested(
    _ value: JSONValue, _ key: String, _ shorthand: String?
  ) -> ConfigurationReader? {
    switch (value, shorthand) {
    case (.object(let nested), _):
      return .init(
        nested, source: source, path: path(of: key), directory: directory, in: self)
    case (.string, let shorthand?):
      var nested = JSONObject()
      nested[shorthand] = value
      return .init(
        nested, source: source, path: path(of: key), directory: directory, in: self)
    default: return nil
    }
  }

  private func expectation(_ what: String, _ shorthand: String?) -> String {
    guard let shorthand else { return what }
    return "\(what) with a '\(shorthand)'"
  }

  // MARK: - The end

  /// What was read, defaults filled in, in the order of reading.
  package var resolved: JSONValue {
    var result = JSONObject()
    for (key, entry) in entries {
      switch entry {
      case .value(let value): result[key] = value
      case .object(let reader): result[key] = reader.resolved
      case .objects(let readers): result[key] = .array(readers.map(\.resolved))
      }
    }
    return .object(result)
  }
}

extension JSONValue {
  /// The element of an array of one; nil for anything else.
  fileprivate var onlyElement: JSONValue? {
    if case .array(let elements) = self, elements.count == 1 { elements[0] } else { nil }
  }
}
