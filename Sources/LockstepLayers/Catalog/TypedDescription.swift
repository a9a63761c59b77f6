public import LockstepEngine

/// A value of a configuration, in the shape JSON gives it; a constraint is made by its reader.
public enum DescriptionValue: Sendable, Equatable {
  /// True or false.
  case boolean(Bool)
  /// A number without a fraction.
  case integer(Int)
  /// Any other number.
  case number(Double)
  /// A text, one of several choices say.
  case text(String)
  /// An array of integers. An empty array is this.
  case integers([Int])
  /// An object with a `type`.
  case description(TypedDescription)
  /// An array of such objects.
  case descriptions([TypedDescription])
  /// A weight constraint, ready made.
  case constraint(WeightConstraint)

  /// The value's kind in words, for messages.
  var kind: String {
    switch self {
    case .boolean(let value): "\(value)"
    case .integer(let value): "\(value)"
    case .number(let value): "\(value)"
    case .text(let value): "'\(value)'"
    case .integers(let values): "\(values)"
    case .description(let description): "an object of type '\(description.type)'"
    case .descriptions: "an array of objects"
    case .constraint: "a constraint"
    }
  }
}

/// What a configuration says about a model, a layer or an initialiser: a type's name and
/// hyperparameters.
public struct TypedDescription: Sendable, Equatable {
  /// The name of the type in its catalog, `Conv2d`.
  public var type: String
  /// The hyperparameters, by key. An absent one has its default.
  public var values: [String: DescriptionValue]

  /// Makes a description with a type's name and its hyperparameters.
  public init(_ type: String, _ values: [String: DescriptionValue] = [:]) {
    self.type = type
    self.values = values
  }
}

/// A description that fits no catalog entry.
public struct DescriptionError: Error, Sendable, Equatable, CustomStringConvertible {
  /// Where in the description, `layers.2.kernel`; empty for the whole.
  public let path: String
  /// What is wrong and what would be right.
  public let reason: String

  public var description: String { path.isEmpty ? reason : "'\(path)' \(reason)" }
}

/// What a hyperparameter is called, what values it takes and which one it has when absent.
public struct LayerHyperparameter: Sendable {
  /// The kinds of values that a hyperparameter takes.
  public enum Kind: Sendable, Equatable {
    /// True or false.
    case boolean
    /// An integer in a range.
    case integer(ClosedRange<Int>)
    /// A number in a range, with or without a fraction.
    case number(ClosedRange<Double>)
    /// One of these; any text where empty.
    case text([String])
    /// Integers in a range, at least so many.
    case integers(ClosedRange<Int>, minimumCount: Int)
    /// One integer for rows and columns, or one each, in a range.
    case pair(ClosedRange<Int>)
    /// A pair that is not negative, `"valid"` or `"same"`.
    case padding
    /// A description that ``InitializerCatalog`` makes.
    case initializer
    /// A weight constraint.
    case constraint
    /// A layer that ``LayerCatalog`` makes.
    case layer
    /// Layers that ``LayerCatalog`` makes.
    case layers
  }

  /// The name in configurations, `kernel`.
  public let key: String
  /// What values it takes.
  public let kind: Kind
  /// The value where the key is absent; nil where absence has a meaning of its own (or is an error,
  /// see ``isRequired``).
  public let defaultValue: DescriptionValue?
  /// Whether a description without the key is an error.
  public let isRequired: Bool
  /// One line for people.
  public let summary: String

  /// A hyperparameter with a default.
  static func with(
    _ key: String, _ kind: Kind, default value: DescriptionValue, _ summary: String
  ) -> Self {
    Self(key: key, kind: kind, defaultValue: value, isRequired: false, summary: summary)
  }
  /// A hyperparameter that must be given.
  static func required(_ key: String, _ kind: Kind, _ summary: String) -> Self {
    Self(key: key, kind: kind, defaultValue: nil, isRequired: true, summary: summary)
  }
  /// A hyperparameter that may be absent.
  static func optional(_ key: String, _ kind: Kind, _ summary: String) -> Self {
    Self(key: key, kind: kind, defaultValue: nil, isRequired: false, summary: summary)
  }

  /// What values are right, in words.
  public var expectation: String {
    switch kind {
    case .boolean: "true or false"
    case .integer(let range): "an integer\(words(range))"
    case .number(let range): "a number\(words(range))"
    case .text(let choices):
      choices.isEmpty
        ? "a text" : "one of " + choices.map { "'\($0)'" }.joined(separator: ", ")
    case .integers(let range, let count):
      "an array of at least \(count) integer\(count == 1 ? "" : "s")\(words(range))"
    case .pair(let range): "an integer or [rows, columns]\(words(range))"
    case .padding: "'valid', 'same', an integer or [rows, columns]"
    case .initializer:
      "an initializer: an object with a 'type' among \(InitializerCatalog.catalog.typeNames)"
    case .constraint: "a constraint"
    case .layer: "a layer: an object with a 'type'"
    case .layers: "an array of layers: objects with a 'type'"
    }
  }

  /// The value in the form that is asked for, or nil where it is not right: a number without a
  /// fraction is an integer, and a single integer a list of one.
  package func accepted(_ value: DescriptionValue) -> DescriptionValue? {
    var value = value
    switch (kind, value) {
    case (.integer, .number(let number)), (.pair, .number(let number)),
      (.padding, .number(let number)), (.integers, .number(let number)):
      guard let integer = Int(exactly: number) else { return nil }
      value = .integer(integer)
    default: break
    }
    if case .integers = kind, case .integer(let number) = value { value = .integers([number]) }
    return accepts(value) ? value : nil
  }

  /// Whether a value is right.
  func accepts(_ value: DescriptionValue) -> Bool {
    switch (kind, value) {
    case (.boolean, .boolean), (.padding, .text("same")), (.padding, .text("valid")),
      (.initializer, .description), (.constraint, .constraint), (.layer, .description),
      (.layers, .descriptions), (.layers, .integers([])):
      true
    case (.integer(let range), .integer(let value)): range.contains(value)
    case (.number(let range), .number(let value)): range.contains(value)
    case (.number(let range), .integer(let value)): range.contains(Double(value))
    case (.text(let choices), .text(let value)): choices.isEmpty || choices.contains(value)
    case (.integers(let range, let count), .integers(let values)):
      values.count >= count && values.allSatisfy(range.contains)
    case (.pair(let range), .integer(let value)): range.contains(value)
    case (.pair(let range), .integers(let values)):
      values.count == 2 && values.allSatisfy(range.contains)
    case (.padding, .integer(let value)): value >= 0
    case (.padding, .integers(let values)): values.count == 2 && values.allSatisfy { $0 >= 0 }
    default: false
    }
  }
}

/// A range in words, behind a blank; nothing where it is unbounded.
private func words(_ range: ClosedRange<Int>) -> String {
  switch (range.lowerBound, range.upperBound) {
  case (.min, .max): ""
  case (let lower, .max): " of at least \(lower)"
  case (let lower, let upper): " from \(lower) to \(upper)"
  }
}
private func words(_ range: ClosedRange<Double>) -> String {
  switch (range.lowerBound, range.upperBound) {
  case (-.infinity, .infinity): ""
  case (let lower, .infinity): " of at least \(text(lower))"
  case (let lower, let upper): " from \(text(lower)) to \(text(upper))"
  }
}

/// A number as people write it.
private func text(_ value: Double) -> String { Int(exactly: value).map { "\($0)" } ?? "\(value)" }
