/// A JSON value (RFC 8259) that keeps the order of its keys and the kind of its numbers.
package enum JSONValue: Sendable, Equatable {
  /// `null`.
  case null
  /// `true` or `false`.
  case bool(Bool)
  /// A number written without fraction and exponent that fits 64 bits.
  case integer(Int)
  /// Any other number.
  case number(Double)
  /// A text.
  case string(String)
  /// Values in order.
  case array([JSONValue])
  /// Values by key, in order.
  case object(JSONObject)

  /// The name of the value's kind, for messages: "an object", "a string".
  package var kind: String {
    switch self {
    case .null: "null"
    case .bool: "a boolean"
    case .integer: "an integer"
    case .number: "a number"
    case .string: "a string"
    case .array: "an array"
    case .object: "an object"
    }
  }
}

// MARK: - Content

extension JSONValue {
  /// The integer, or the number without a fraction as one; nil for anything else.
  package var integerValue: Int? {
    switch self {
    case .integer(let value): value
    case .number(let value): Int(exactly: value)
    default: nil
    }
  }

  /// The number, or the integer as one; nil for anything else.
  package var doubleValue: Double? {
    switch self {
    case .integer(let value): Double(value)
    case .number(let value): value
    default: nil
    }
  }

  /// The text; nil for anything else.
  package var stringValue: String? { if case .string(let value) = self { value } else { nil } }

  /// The boolean; nil for anything else.
  package var boolValue: Bool? { if case .bool(let value) = self { value } else { nil } }

  /// The array's elements; nil for anything else.
  package var arrayValue: [JSONValue]? { if case .array(let value) = self { value } else { nil } }

  /// The object; nil for anything else.
  package var objectValue: JSONObject? { if case .object(let value) = self { value } else { nil } }
}

/// The members of a JSON object, in order. Equal objects have equal members, in whatever order.
package struct JSONObject: Sendable, Equatable, ExpressibleByDictionaryLiteral {
  /// The keys, in order.
  package private(set) var keys: [String] = []
  private var values: [String: JSONValue] = [:]

  /// Makes an object without members.
  package init() {}

  package init(dictionaryLiteral elements: (String, JSONValue)...) {
    for (key, value) in elements { self[key] = value }
  }

  /// The number of members.
  package var count: Int { keys.count }

  /// The value of a key. A new key goes to the end; assigning nil removes the member.
  package subscript(key: String) -> JSONValue? {
    get { values[key] }
    set {
      if let newValue {
        if values.updateValue(newValue, forKey: key) == nil { keys.append(key) }
      } else if values.removeValue(forKey: key) != nil {
        keys.removeAll { $0 == key }
      }
    }
  }

  /// The members, in order.
  package var members: [(key: String, value: JSONValue)] {
    keys.map { ($0, values[$0]!) }
  }

  package static func == (left: Self, right: Self) -> Bool { left.values == right.values }
}

extension JSONValue: ExpressibleByNilLiteral, ExpressibleByBooleanLiteral,
  ExpressibleByIntegerLiteral, ExpressibleByFloatLiteral, ExpressibleByStringLiteral,
  ExpressibleByArrayLiteral, ExpressibleByDictionaryLiteral
{
  package init(nilLiteral: ()) { self = .null }
  package init(booleanLiteral value: Bool) { self = .bool(value) }
  package init(integerLiteral value: Int) { self = .integer(value) }
  package init(floatLiteral value: Double) { self = .number(value) }
  package init(stringLiteral value: String) { self = .string(value) }
  package init(arrayLiteral elements: JSONValue...) { self = .array(elements) }
  package init(dictionaryLiteral elements: (String, JSONValue)...) {
    var object = JSONObject()
    for (key, value) in elements { object[key] = value }
    self = .object(object)
  }
}

// MARK: - Paths

/// A path that cannot be set in a JSON value.
package struct JSONPathError: Error, Sendable, Equatable, CustomStringConvertible {
  /// The whole path that was to be set.
  package let path: String
  /// What is in the way.
  package let reason: String

  package var description: String { "cannot set '\(path)': \(reason)" }
}

extension JSONValue {
  /// The value at a dotted path of keys and array indices, `layers.0.units`; nil where there is
  /// none. A key that contains a dot has no path.
  package subscript(path: String) -> JSONValue? {
    var value = self
    for step in path.split(separator: ".", omittingEmptySubsequences: false) {
      switch value {
      case .object(let object):
        guard let member = object[String(step)] else { return nil }
        value = member
      case .array(let elements):
        guard let index = Int(step), elements.indices.contains(index) else { return nil }
        value = elements[index]
      default: return nil
      }
    }
    return value
  }

  /// Sets the value at a dotted path. Objects that are missing or null on the way are made; an
  /// array's index must exist, or be its count to append.
  package mutating func set(_ path: String, to newValue: JSONValue) throws(JSONPathError) {
    let steps = path.split(separator: ".", omittingEmptySubsequences: false).map(String.init)
    guard steps.allSatisfy({ !$0.isEmpty }) else {
      throw JSONPathError(path: path, reason: "a part of the path is empty")
    }
    try set(steps[...], of: path, to: newValue)
  }

  private mutating func set(
    _ steps: ArraySlice<String>, of path: String, to newValue: JSONValue
  ) throws(JSONPathError) {
    guard let step = steps.first else {
      self = newValue
      return
    }
    let rest = steps.dropFirst()
    if self == .null { self = .object(JSONObject()) }
    switch self {
    case .object(var object):
      var member = object[step] ?? .null
      try member.set(rest, of: path, to: newValue)
      object[step] = member
      self = .object(object)
    case .array(var elements):
      guard let index = Int(step), index >= 0, index <= elements.count else {
        throw JSONPathError(
          path: path, reason: "'\(step)' is not an index of an array of \(elements.count)")
      }
      var element = index < elements.count ? elements[index] : .null
      try element.set(rest, of: path, to: newValue)
      if index < elements.count { elements[index] = element } else { elements.append(element) }
      self = .array(elements)
    default:
      throw JSONPathError(path: path, reason: "'\(step)' would be inside of \(kind)")
    }
  }
}
