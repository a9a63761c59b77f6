/// Plain values: numbers, texts, flags, and lists of them.
extension ConfigurationReader {
  /// An integer in a range. A number without a fraction (`1e4`) counts as one.
  public func integer(
    _ key: String, default fallback: Int? = nil, in range: some RangeExpression<Int> = Int.min...
  ) throws(ConfigurationError) -> Int {
    try read(
      key, default: fallback, expected: "an integer\(describe(range))", json: { .integer($0) }
    ) { value in value.integerValue.flatMap { range.contains($0) ? $0 : nil } }
  }

  /// An integer in a range, or nil where the key is absent or a word stands in its place.
  public func integer(
    _ key: String, or word: String, in range: some RangeExpression<Int> = Int.min...
  ) throws(ConfigurationError) -> Int? {
    try read(
      key, default: Int??.some(nil), expected: "'\(word)' or an integer\(describe(range))",
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
    return try read(key, default: fallback, expected: expected, json: { .number($0) }) { value in
      guard let number = Self.double(value), range.contains(number),
        lower.map({ number > $0 }) ?? true, upper.map({ number < $0 }) ?? true
      else { return nil }
      return number
    }
  }

  /// The path of a file, relative to the configuration's folder where it is not absolute. It is
  /// recorded as an absolute path, so that the resolved configuration means the same files anywhere.
  public func filePath(_ key: String) throws(ConfigurationError) -> String {
    try read(key, default: nil, expected: "a path", json: { .string($0) }) { [directory] value in
      value.stringValue.map { AbsolutePath.of($0, in: directory) }
    }
  }

  /// The path of a file, or nil.
  public func optionalFilePath(_ key: String) throws(ConfigurationError) -> String? {
    isPresent(key) ? try filePath(key) : nil
  }

  /// A text, one of `choices` where these are given. A whole number stands for its digits: 2 for "2".
  public func string(
    _ key: String, default fallback: String? = nil, oneOf choices: [String]? = nil
  ) throws(ConfigurationError) -> String {
    guard let choices else {
      return try read(key, default: fallback, expected: "a string", json: { .string($0) }) {
        $0.stringValue
      }
    }
    let expected = "one of " + choices.map { "'\($0)'" }.joined(separator: ", ")
    func choice(_ value: JSONValue) -> String? {
      let text = value.stringValue ?? value.integerValue.map(String.init)
      return text.flatMap { choices.contains($0) ? $0 : nil }
    }
    do throws(ConfigurationError) {
      return try read(
        key, default: fallback, expected: expected, json: { .string($0) }, choice)
    } catch {
      guard case .string(let text)? = peek(key) else { throw error }
      let hint = NearestName.find(text, among: choices).map { "; did you mean '\($0)'?" } ?? ""
      throw self.error(key, "must be \(expected); found '\(text)'\(hint)")
    }
  }

  /// A boolean.
  public func bool(
    _ key: String, default fallback: Bool? = nil
  ) throws(ConfigurationError) -> Bool {
    try read(key, default: fallback, expected: "true or false", json: { .bool($0) }) {
      $0.boolValue
    }
  }

  /// An array of integers, each in a range; a single one counts as an array of one.
  public func integers(
    _ key: String, default fallback: [Int]? = nil, in range: some RangeExpression<Int> = Int.min...
  ) throws(ConfigurationError) -> [Int] {
    try read(
      key, default: fallback, expected: "an array of integers\(describe(range))",
      json: { .array($0.map { .integer($0) }) }, unwraps: false
    ) { value in
      Self.elements(value) { $0.integerValue.flatMap { range.contains($0) ? $0 : nil } }
    }
  }

  /// An array of finite numbers, each in a range; a single one counts as an array of one.
  public func doubles(
    _ key: String, default fallback: [Double]? = nil,
    in range: some RangeExpression<Double> = (-Double.infinity)...
  ) throws(ConfigurationError) -> [Double] {
    try read(
      key, default: fallback, expected: "an array of numbers\(describe(range))",
      json: { .array($0.map { .number($0) }) }, unwraps: false
    ) { value in
      Self.elements(value) { Self.double($0).flatMap { range.contains($0) ? $0 : nil } }
    }
  }

  /// An array of texts; a single one counts as an array of one.
  public func strings(
    _ key: String, default fallback: [String]? = nil
  ) throws(ConfigurationError) -> [String] {
    try read(
      key, default: fallback, expected: "an array of strings",
      json: { .array($0.map { .string($0) }) }, unwraps: false
    ) { value in
      Self.elements(value) { $0.stringValue }
    }
  }

  /// Any value, unchecked.
  public func value(
    _ key: String, default fallback: JSONValue? = nil
  ) throws(ConfigurationError) -> JSONValue {
    try read(key, default: fallback, expected: "a value", json: { $0 }) { $0 }
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

  /// A nested object, or nil; `shorthand` as in ``object(_:shorthand:)``.
  public func optionalObject(
    _ key: String, shorthand: String? = nil
  ) throws(ConfigurationError) -> ConfigurationReader? {
    isPresent(key) ? try object(key, shorthand: shorthand) : nil
  }

  // MARK: - Conversions

  private static func double(_ value: JSONValue) -> Double? {
    value.doubleValue.flatMap { $0.isFinite ? $0 : nil }
  }

  /// The elements of a list, or a single value as a list of one.
  private static func elements<Element>(
    _ value: JSONValue, _ convert: (JSONValue) -> Element?
  ) -> [Element]? {
    var result: [Element] = []
    for element in value.arrayValue ?? [value] {
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
