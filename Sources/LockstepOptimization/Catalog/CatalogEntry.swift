/// A hyperparameter's value as a configuration gives it.
public enum HyperparameterValue: Sendable, Equatable, CustomStringConvertible {
  /// A number, a whole one too: `beta1`.
  case number(Double)
  /// True or false: `nesterov`.
  case flag(Bool)
  /// A list of numbers: milestones, axes.
  case numbers([Double])
  /// A text: a word of a choice.
  case text(String)
  /// A list of texts: patterns of names.
  case texts([String])

  public var description: String {
    switch self {
    case .number(let value): "\(value)"
    case .flag(let value): "\(value)"
    case .numbers(let values): "\(values)"
    case .text(let value): "\"\(value)\""
    case .texts(let values): "\(values)"
    }
  }
}

extension HyperparameterValue: ExpressibleByFloatLiteral, ExpressibleByIntegerLiteral,
  ExpressibleByBooleanLiteral, ExpressibleByStringLiteral, ExpressibleByArrayLiteral
{
  public init(floatLiteral value: Double) { self = .number(value) }
  public init(integerLiteral value: Int) { self = .number(Double(value)) }
  public init(booleanLiteral value: Bool) { self = .flag(value) }
  public init(stringLiteral value: String) { self = .text(value) }
  public init(arrayLiteral elements: Double...) { self = .numbers(elements) }
}

/// One key of a catalog entry.
public struct Hyperparameter: Sendable, Equatable {
  /// The key: `beta1`.
  public let key: String
  /// The value where a configuration gives none; nil where it must give one.
  public let defaultValue: HyperparameterValue?
  /// What is accepted.
  public let range: HyperparameterRange

  init(_ key: String, _ defaultValue: HyperparameterValue?, _ range: HyperparameterRange) {
    self.key = key
    self.defaultValue = defaultValue
    self.range = range
  }
}

/// Something that can be made by name: its keys, defaults and ranges.
public struct CatalogEntry: Sendable, Equatable {
  /// The name: `adamW`.
  public let name: String
  /// One line for people.
  public let summary: String
  /// The keys, in the order of documentation.
  public let parameters: [Hyperparameter]

  init(_ name: String, _ summary: String, _ parameters: [Hyperparameter]) {
    self.name = name
    self.summary = summary
    self.parameters = parameters
  }

  /// Values in range for every key, given ones and defaults.
  ///
  /// - Throws: ``HyperparameterError`` for an unknown or missing key, a wrong type or a value out
  ///   of range.
  func resolve(_ given: [String: HyperparameterValue]) throws -> ResolvedValues {
    let known = parameters.map(\.key)
    if let unknown = given.keys.sorted().first(where: { !known.contains($0) }) {
      throw HyperparameterError(
        owner: name, key: unknown, value: given[unknown]!.description,
        problem: known.isEmpty
          ? "is unknown: \(name) has no keys"
          : "is unknown: \(name) has the keys \(known.joined(separator: ", "))")
    }
    var values: [String: HyperparameterValue] = [:]
    for parameter in parameters {
      guard let value = given[parameter.key] ?? parameter.defaultValue else {
        throw HyperparameterError(
          owner: name, key: parameter.key, value: "nothing", problem: "must be given")
      }
      try check(parameter, value)
      values[parameter.key] = value
    }
    return ResolvedValues(owner: name, values: values)
  }

  private func check(_ parameter: Hyperparameter, _ value: HyperparameterValue) throws {
    var problem: String?
    switch (parameter.range, value) {
    case (.boolean, .flag): break
    case (.choice(let words), .text(let word)) where words.contains(word): break
    case (.patterns, .texts(let list)):
      if list.contains("") { problem = "must not hold an empty pattern" }
    case (.axes, .numbers(let list)):
      if !list.allSatisfy({ $0 == $0.rounded() && $0.magnitude < 100 }) {
        problem = "must be a list of whole numbers"
      }
    case (.milestones, .numbers(let list)):
      let grows = zip(list, list.dropFirst()).allSatisfy { $0 < $1 }
      if !grows || !list.allSatisfy({ $0 >= 1 && $0 == $0.rounded() && $0 < 1e15 }) {
        problem = "must be growing whole numbers, each at least 1"
      }
    case (.number, .number(let number)), (.positive, .number(let number)),
      (.nonNegative, .number(let number)), (.decayRate, .number(let number)),
      (.fraction, .number(let number)), (.interval, .number(let number)),
      (.integer, .number(let number)):
      problem = parameter.range.problem(with: number)
    default:
      problem = parameter.range.problem(with: .nan) ?? "has the wrong type"
    }
    if let problem {
      throw HyperparameterError(
        owner: name, key: parameter.key, value: value.description, problem: problem)
    }
  }
}

/// An entry's values after ``CatalogEntry/resolve(_:)``, by key.
struct ResolvedValues {
  let owner: String
  fileprivate let values: [String: HyperparameterValue]

  init(owner: String, values: [String: HyperparameterValue]) {
    self.owner = owner
    self.values = values
  }

  func number(_ key: String) -> Double {
    if case .number(let value) = values[key] { value } else { mismatch(key) }
  }
  func float(_ key: String) -> Float { Float(number(key)) }
  func integer(_ key: String) -> Int { Int(number(key)) }
  func flag(_ key: String) -> Bool {
    if case .flag(let value) = values[key] { value } else { mismatch(key) }
  }
  func text(_ key: String) -> String {
    if case .text(let value) = values[key] { value } else { mismatch(key) }
  }
  func texts(_ key: String) -> [String] {
    if case .texts(let value) = values[key] { value } else { mismatch(key) }
  }
  func integers(_ key: String) -> [Int] {
    if case .numbers(let value) = values[key] { value.map { Int($0) } } else { mismatch(key) }
  }

  private func mismatch(_ key: String) -> Never {
    preconditionFailure("\(owner) asks its table for \(key), which is of another type there")
  }
}

extension [CatalogEntry] {
  /// The entry with a name.
  func entry(_ name: String, kind: String) throws -> CatalogEntry {
    guard let entry = first(where: { $0.name == name }) else {
      throw HyperparameterError(
        owner: kind, key: "name", value: "\"\(name)\"",
        problem: "is unknown: there are \(map(\.name).joined(separator: ", "))")
    }
    return entry
  }
}
