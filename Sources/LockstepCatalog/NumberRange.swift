import LockstepFiles

/// The finite numbers that a hyperparameter takes: from, to, above, below.
package struct NumberRange: Sendable, Equatable {
  /// The least number, or -infinity.
  package let least: Double
  /// The largest number, or infinity.
  package let most: Double
  /// The number that all must be greater than.
  package let above: Double?
  /// The number that all must be less than.
  package let below: Double?

  package init(
    from least: Double = -.infinity, to most: Double = .infinity, above: Double? = nil,
    below: Double? = nil
  ) {
    self.least = least
    self.most = most
    self.above = above
    self.below = below
  }

  /// The numbers that are finite as Float32: a larger one would become an infinity that shows only as a
  /// sick step.
  package static let float32 = NumberRange(
    from: Double(-Float.greatestFiniteMagnitude), to: Double(Float.greatestFiniteMagnitude))

  package func contains(_ value: Double) -> Bool {
    value.isFinite && value >= least && value <= most && above.map { value > $0 } ?? true
      && below.map { value < $0 } ?? true
  }

  /// The range in words, behind a blank; nothing where it is unbounded.
  var words: String {
    var parts: [String] = []
    switch (least, most) {
    case (-.infinity, .infinity): break
    case (let least, .infinity): parts.append("of at least \(plain(least))")
    case (-.infinity, let most): parts.append("of at most \(plain(most))")
    case (let least, let most): parts.append("from \(plain(least)) to \(plain(most))")
    }
    if let above { parts.append("greater than \(plain(above))") }
    if let below { parts.append("less than \(plain(below))") }
    return parts.isEmpty ? "" : " " + parts.joined(separator: " and ")
  }

  /// The keywords of JSON Schema.
  var schema: JSONObject {
    var schema: JSONObject = [:]
    if least.isFinite { schema["minimum"] = short(least) }
    if most.isFinite { schema["maximum"] = short(most) }
    if let above { schema["exclusiveMinimum"] = short(above) }
    if let below { schema["exclusiveMaximum"] = short(below) }
    return schema
  }
}

/// An integer range in words, behind a blank; nothing where it is unbounded.
func words(_ range: ClosedRange<Int>) -> String {
  switch (range.lowerBound, range.upperBound) {
  case (.min, .max): ""
  case (let lower, .max): " of at least \(lower)"
  case (let lower, let upper): " from \(lower) to \(upper)"
  }
}

/// A number as people write it: 1, not 1.0.
func plain(_ value: Double) -> String { Int(exactly: value).map { "\($0)" } ?? "\(value)" }

private func short(_ value: Double) -> JSONValue {
  Int(exactly: value).map { .integer($0) } ?? .number(value)
}
