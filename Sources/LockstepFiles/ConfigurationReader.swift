/// Reads a configuration key by key, with types, ranges and defaults, and knows at the end which
/// keys nobody asked for.
///
/// ```swift
/// let reader = try ConfigurationReader(value, source: "digits.json")
/// let training = try reader.object("training")
/// let batchSize = try training.integer("batchSize", default: 64, in: 1...)
/// try reader.finish()  // "unknown key 'training.batchsize'; did you mean 'batchSize'?"
/// ```
///
/// Where a key is missing its default is taken; without a default that is an error. A key is
/// known from the moment it is read; ``resolved`` is the configuration with all defaults filled
/// in, in the order of reading.
public final class ConfigurationReader {
  /// The file or other origin of the configuration, for errors.
  public let source: String
  /// The dotted path of this object, empty for the root.
  public let path: String

  private let object: JSONObject
  private var entries: [(key: String, entry: Entry)] = []
  private var known: Set<String> = []

  /// What was read under a key.
  private enum Entry {
    case value(JSONValue)
    case object(ConfigurationReader)
    case objects([ConfigurationReader])
  }

  /// Reads an object; any other value is an error.
  public convenience init(
    _ value: JSONValue, source: String = "configuration"
  ) throws(ConfigurationError) {
    guard case .object(let object) = value else {
      throw ConfigurationError(
        source: source, path: "", reason: "expected an object, found \(value.kind)")
    }
    self.init(object, source: source, path: "")
  }

  private init(_ object: JSONObject, source: String, path: String) {
    self.object = object
    self.source = source
    self.path = path
  }

  // MARK: - Errors

  /// The full path of a key of this object.
  public func path(of key: String) -> String { path.isEmpty ? key : "\(path).\(key)" }

  /// An error about a key, for conditions that only the caller knows: `"'a.b' must be even"`.
  public func error(_ key: String, _ reason: String) -> ConfigurationError {
    ConfigurationError(
      source: source, path: path(of: key), reason: "'\(path(of: key))' \(reason)")
  }

  private func mismatch(
    _ key: String, expected: String, _ value: JSONValue
  ) -> ConfigurationError {
    var text = value.compactText
    if text.count > 40 { text = text.prefix(37) + "..." }
    let found = value == .null ? "null" : "\(value.kind), \(text)"
    return error(key, "must be \(expected); found \(found)")
  }

  private func missing(_ key: String, expected: String) -> ConfigurationError {
    let unread = object.keys.filter { !known.contains($0) }
    let hint = NearestName.find(key, among: unread).map { "; did you mean it by '\($0)'?" } ?? ""
    return error(key, "is missing; it must be \(expected)\(hint)")
  }

  // MARK: - Looking

  /// Whether the key is there and not null. This does not count as reading it.
  public func contains(_ key: String) -> Bool { object[key] ?? .null != .null }

  /// The raw value of a key, for deciding how to read it. This does not count as reading it.
  public func peek(_ key: String) -> JSONValue? { object[key] }

  /// The keys that are there, in the order of the text.
  public var keys: [String] { object.keys }

  // MARK: - Reading plain values

  /// Reads a key by `convert`, which returns nil for a value of the wrong type or range. An absent
  /// key gives `fallback`; nil in `fallback` makes the key required. null is a wrong type.
  private func read<Value>(
    _ key: String, _ fallback: Value?, expected: String, json: (Value) -> JSONValue,
    _ convert: (JSONValue) -> Value?
  ) throws(ConfigurationError) -> Value {
    known.insert(key)
    let value: Value
    switch object[key] {
    case nil:
      guard let fallback else { throw missing(key, expected: expected) }
      value = fallback
    case .some(let raw):
      guard let converted = convert(raw) else {
        throw mismatch(key, expected: expected, raw)
      }
      value = converted
    }
    record(key, .value(json(value)))
    return value
  }

  private func record(_ key: String, _ entry: Entry) {
    known.insert(key)
    if let index = entries.firstIndex(where: { $0.key == key }) {
      entries[index].entry = entry
    } else {
      entries.append((key, entry))
    }
  }

  /// Whether an optional key has a value; if not, it is recorded as null.
  private func isPresent(_ key: String) -> Bool {
    if contains(key) { return true }
    record(key, .value(.null))
    return false
  }

  /// An integer in a range. A number without a fraction (`1e4`) counts as one.
  public func integer(
    _ key: String, default fallback: Int? = nil, in range: some RangeExpression<Int> = Int.min...
  ) throws(ConfigurationError) -> Int {
    try read(
      key, fallback, expected: "an integer\(describe(range))", json: { .integer($0) }
    ) { value in value.integerValue.flatMap { range.contains($0) ? $0 : nil } }
  }

  /// An integer in a range, or nil where the key is absent or a word stands in its place.
  public func integer(
    _ key: String, or word: String, in range: some RangeExpression<Int> = Int.min...
  ) throws(ConfigurationError) -> Int? {
    try read(
      key, Int??.some(nil), expected: "'\(word)' or an integer\(describe(range))",
      json: { $0.map { .integer($0) } ?? .string(word) }
    ) { value in
      if value.stringValue == word { return .some(nil) }
      return value.integerValue.flatMap { range.contains($0) ? .some($0) : nil }
    }
  }

  /// A finite number in a range, greater than `lower` and less than `upper` where these are given.
  public func double(
    _ key: String, default fallback: Double? = nil,
    in range: some RangeExpression<Double> = (-Double.infinity)...,
    above lower: Double? = nil, below upper: Double? = nil
  ) throws(ConfigurationError) -> Double {
    var bounds = [String(describe(range).dropFirst())]
    if let lower { bounds.append("greater than \(text(lower))") }
    if let upper { bounds.append("less than \(text(upper))") }
    let named = bounds.filter { !$0.isEmpty }.joined(separator: " and ")
    let expected = named.isEmpty ? "a number" : "a number \(named)"
    return try read(key, fallback, expected: expected, json: { .number($0) }) { value in
      guard let number = Self.double(value), range.contains(number),
        lower.map({ number > $0 }) ?? true, upper.map({ number < $0 }) ?? true
      else { return nil }
      return number
    }
  }

  /// A text, one of `choices` where these are given.
  public func string(
    _ key: String, default fallback: String? = nil, oneOf choices: [String]? = nil
  ) throws(ConfigurationError) -> String {
    let expected =
      choices.map { "one of " + $0.map { "'\($0)'" }.joined(separator: ", ") } ?? "a string"
    if let choices, case .string(let text)? = object[key], !choices.contains(text) {
      known.insert(key)
      let hint = NearestName.find(text, among: choices).map { "; did you mean '\($0)'?" } ?? ""
      throw error(key, "must be \(expected); found '\(text)'\(hint)")
    }
    return try read(key, fallback, expected: expected, json: { .string($0) }) { $0.stringValue }
  }

  /// A boolean.
  public func bool(
    _ key: String, default fallback: Bool? = nil
  ) throws(ConfigurationError) -> Bool {
    try read(key, fallback, expected: "true or false", json: { .bool($0) }) { $0.boolValue }
  }

  /// An array of integers, each in a range.
  public func integers(
    _ key: String, default fallback: [Int]? = nil, in range: some RangeExpression<Int> = Int.min...
  ) throws(ConfigurationError) -> [Int] {
    try read(
      key, fallback, expected: "an array of integers\(describe(range))",
      json: { .array($0.map { .integer($0) }) }
    ) { value in
      Self.elements(value) { $0.integerValue.flatMap { range.contains($0) ? $0 : nil } }
    }
  }

  /// An array of finite numbers, each in a range.
  public func doubles(
    _ key: String, default fallback: [Double]? = nil,
    in range: some RangeExpression<Double> = (-Double.infinity)...
  ) throws(ConfigurationError) -> [Double] {
    try read(
      key, fallback, expected: "an array of numbers\(describe(range))",
      json: { .array($0.map { .number($0) }) }
    ) { value in
      Self.elements(value) { Self.double($0).flatMap { range.contains($0) ? $0 : nil } }
    }
  }

  /// An array of texts.
  public func strings(
    _ key: String, default fallback: [String]? = nil
  ) throws(ConfigurationError) -> [String] {
    try read(
      key, fallback, expected: "an array of strings", json: { .array($0.map { .string($0) }) }
    ) { value in
      Self.elements(value) { $0.stringValue }
    }
  }

  /// Any value, unchecked.
  public func value(
    _ key: String, default fallback: JSONValue? = nil
  ) throws(ConfigurationError) -> JSONValue {
    try read(key, fallback, expected: "a value", json: { $0 }) { $0 }
  }

  // MARK: - Optional values: nil where the key is absent or null

  /// An integer in a range, or nil.
  public func optionalInteger(
    _ key: String, in range: some RangeExpression<Int> = Int.min...
  ) throws(ConfigurationError) -> Int? {
    isPresent(key) ? try integer(key, in: range) : nil
  }

  /// A finite number in a range, or nil.
  public func optionalDouble(
    _ key: String, in range: some RangeExpression<Double> = (-Double.infinity)...,
    above lower: Double? = nil, below upper: Double? = nil
  ) throws(ConfigurationError) -> Double? {
    isPresent(key) ? try double(key, in: range, above: lower, below: upper) : nil
  }

  /// A text, or nil.
  public func optionalString(
    _ key: String, oneOf choices: [String]? = nil
  ) throws(ConfigurationError) -> String? {
    isPresent(key) ? try string(key, oneOf: choices) : nil
  }

  /// A boolean, or nil.
  public func optionalBool(_ key: String) throws(ConfigurationError) -> Bool? {
    isPresent(key) ? try bool(key) : nil
  }

  /// A nested object, or nil.
  public func optionalObject(_ key: String) throws(ConfigurationError) -> ConfigurationReader? {
    isPresent(key) ? try object(key) : nil
  }

  // MARK: - Nested objects

  /// A nested object. An absent one is empty, so that the defaults of its keys hold.
  public func object(_ key: String) throws(ConfigurationError) -> ConfigurationReader {
    known.insert(key)
    if case .object(let reader)? = entries.first(where: { $0.key == key })?.entry { return reader }
    let reader: ConfigurationReader
    switch object[key] {
    case nil: reader = .init(JSONObject(), source: source, path: path(of: key))
    case .object(let nested)?: reader = .init(nested, source: source, path: path(of: key))
    case .some(let other): throw mismatch(key, expected: "an object", other)
    }
    record(key, .object(reader))
    return reader
  }

  /// An array of objects. An absent one is an error, unless `required` is false: then it is empty.
  public func objects(
    _ key: String, required: Bool = true
  ) throws(ConfigurationError) -> [ConfigurationReader] {
    known.insert(key)
    if case .objects(let readers)? = entries.first(where: { $0.key == key })?.entry {
      return readers
    }
    var readers: [ConfigurationReader] = []
    switch object[key] {
    case nil:
      if required { throw missing(key, expected: "an array of objects") }
    case .array(let elements)?:
      for (index, element) in elements.enumerated() {
        guard case .object(let nested) = element else {
          throw mismatch("\(key).\(index)", expected: "an object", element)
        }
        readers.append(.init(nested, source: source, path: path(of: "\(key).\(index)")))
      }
    case .some(let other): throw mismatch(key, expected: "an array of objects", other)
    }
    record(key, .objects(readers))
    return readers
  }

  // MARK: - The end

  /// Ends the reading: every key here and below that nobody asked for is an error.
  public func finish() throws(ConfigurationError) {
    var unknown: [(path: String, text: String)] = []
    collectUnknown(into: &unknown)
    guard let first = unknown.first else { return }
    throw ConfigurationError(
      source: source, path: first.path, reason: unknown.map(\.text).joined(separator: "\n"))
  }

  private func collectUnknown(into unknown: inout [(path: String, text: String)]) {
    for key in object.keys where !known.contains(key) {
      var text = "unknown key '\(key)'"
      if !path.isEmpty { text += " in '\(path)'" }
      let candidates = entries.map(\.key)
      if let nearest = NearestName.find(key, among: candidates) {
        text += "; did you mean '\(nearest)'?"
      } else if !candidates.isEmpty {
        text += "; known here: " + candidates.map { "'\($0)'" }.joined(separator: ", ")
      }
      unknown.append((path(of: key), text))
    }
    for (_, entry) in entries {
      switch entry {
      case .value: break
      case .object(let reader): reader.collectUnknown(into: &unknown)
      case .objects(let readers): for reader in readers { reader.collectUnknown(into: &unknown) }
      }
    }
  }

  /// What was read, defaults filled in, in the order of reading.
  public var resolved: JSONValue {
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

  // MARK: - Conversions

  private static func double(_ value: JSONValue) -> Double? {
    value.doubleValue.flatMap { $0.isFinite ? $0 : nil }
  }

  private static func elements<Element>(
    _ value: JSONValue, _ convert: (JSONValue) -> Element?
  ) -> [Element]? {
    guard let elements = value.arrayValue else { return nil }
    var result: [Element] = []
    for element in elements {
      guard let converted = convert(element) else { return nil }
      result.append(converted)
    }
    return result
  }
}

/// A number as a user writes it: 1, not 1.0.
private func text(_ number: some Any) -> String {
  if let number = number as? Double, let integer = Int(exactly: number) { return "\(integer)" }
  return "\(number)"
}

/// A range in words, with a space before; nothing for a range without bounds.
private func describe<Bound>(_ range: some RangeExpression<Bound>) -> String {
  switch range {
  case let range as ClosedRange<Bound>:
    return " from \(text(range.lowerBound)) to \(text(range.upperBound))"
  case let range as Range<Bound>:
    return " from \(text(range.lowerBound)) to less than \(text(range.upperBound))"
  case let range as PartialRangeFrom<Bound>:
    if let lower = range.lowerBound as? Int, lower == .min { return "" }
    if let lower = range.lowerBound as? Double, lower == -.infinity { return "" }
    return " of at least \(text(range.lowerBound))"
  case let range as PartialRangeThrough<Bound>: return " of at most \(text(range.upperBound))"
  case let range as PartialRangeUpTo<Bound>: return " less than \(text(range.upperBound))"
  default: return " in \(range)"
  }
}
