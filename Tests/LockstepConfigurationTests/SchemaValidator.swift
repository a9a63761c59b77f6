import LockstepFiles

/// Checks values against a JSON Schema, for the keywords that Lockstep's schema has; any other one is a
/// failure, so that none is passed over.
struct SchemaValidator {
  private let root: JSONValue

  init(_ root: JSONValue) { self.root = root }

  /// Whether a value is valid.
  func accepts(_ value: JSONValue) -> Bool { accepts(value, root) }

  private func accepts(_ value: JSONValue, _ schema: JSONValue) -> Bool {
    guard let object = schema.objectValue else { return schema == true }
    return object.members.allSatisfy { key, constraint in
      holds(key, constraint, of: value, in: object)
    }
  }

  private func holds(
    _ keyword: String, _ constraint: JSONValue, of value: JSONValue, in schema: JSONObject
  ) -> Bool {
    switch keyword {
    case "$schema", "$defs", "title", "description", "default": return true
    case "$ref":
      let name = constraint.stringValue?.split(separator: "/").last.map(String.init)
      return name.flatMap { root["$defs"]?[$0] }.map { accepts(value, $0) } ?? false
    case "type": return kinds(value).contains(constraint.stringValue ?? "")
    case "const": return value == constraint
    case "enum": return constraint.arrayValue?.contains(value) == true
    case "not": return !accepts(value, constraint)
    case "anyOf": return constraint.arrayValue?.contains { accepts(value, $0) } == true
    case "oneOf": return constraint.arrayValue?.count { accepts(value, $0) } == 1
    case "minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum":
      guard let number = value.doubleValue else { return true }
      guard let bound = constraint.doubleValue else { return false }
      switch keyword {
      case "minimum": return number >= bound
      case "maximum": return number <= bound
      case "exclusiveMinimum": return number > bound
      default: return number < bound
      }
    case "items":
      return value.arrayValue?.allSatisfy { accepts($0, constraint) } ?? true
    case "minItems":
      return value.arrayValue.map { $0.count >= constraint.integerValue ?? 0 } ?? true
    case "maxItems":
      return value.arrayValue.map { $0.count <= constraint.integerValue ?? 0 } ?? true
    case "required":
      guard let object = value.objectValue else { return true }
      return constraint.arrayValue?.allSatisfy { object[$0.stringValue ?? ""] != nil } == true
    case "properties":
      guard let object = value.objectValue else { return true }
      return constraint.objectValue?.members.allSatisfy { key, schema in
        object[key].map { accepts($0, schema) } ?? true
      } == true
    case "additionalProperties":
      let known = schema["properties"]?.objectValue
      return value.objectValue?.members.allSatisfy { key, other in
        known?[key] != nil || accepts(other, constraint)
      } ?? true
    default: return false
    }
  }

  /// The names of a value's kind; a number without a fraction is an integer, too.
  private func kinds(_ value: JSONValue) -> [String] {
    switch value {
    case .null: ["null"]
    case .bool: ["boolean"]
    case .integer: ["integer", "number"]
    case .number: value.integerValue == nil ? ["number"] : ["integer", "number"]
    case .string: ["string"]
    case .array: ["array"]
    case .object: ["object"]
    }
  }
}
