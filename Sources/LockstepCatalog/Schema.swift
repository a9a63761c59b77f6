import LockstepFiles

/// A JSON Schema (draft 2020-12) of what forms accept, for editors.
///
/// Source: "JSON Schema: A Media Type for Describing JSON Documents", draft 2020-12.
package enum Schema {
  /// The schema of a configuration whose root has a form.
  ///
  /// - Parameter title: what the configuration is.
  package static func of(_ form: Form, title: String) -> JSONValue {
    var definitions = Definitions()
    var root = definitions.object(form, more: ["$schema": ["type": "string"]])
    var schema: JSONObject = [
      "$schema": "https://json-schema.org/draft/2020-12/schema", "title": .string(title),
    ]
    for (key, value) in root.members { schema[key] = value }
    root = [:]
    for (name, definition) in definitions.made.sorted(by: { $0.key < $1.key }) {
      root[name] = definition
    }
    schema["$defs"] = .object(root)
    return .object(schema)
  }
}

/// The schemas of forms that others refer to, by name.
private struct Definitions {
  private(set) var made: [String: JSONValue] = [:]

  /// A reference to a form's schema, which also knows the text that stands for an object.
  mutating func reference(_ form: Form) -> JSONValue {
    if made[form.name] == nil {
      // Forms refer to each other in circles: layers hold layers.
      made[form.name] = .null
      made[form.name] = definition(form)
    }
    return ["$ref": .string("#/$defs/\(form.name)")]
  }

  private mutating func definition(_ form: Form) -> JSONValue {
    let objects = JSONValue.object(object(form))
    guard let shorthand = form.shorthand else { return objects }
    guard shorthand == form.choiceKey, !form.variants.isEmpty else {
      return ["anyOf": [["type": "string"], objects]]
    }
    let names = form.variants.filter { variant in
      !(variant.hyperparameters + form.keys).contains(where: \.isRequired)
    }
    return names.isEmpty
      ? objects : ["anyOf": [["enum": .array(names.map { .string($0.name) })], objects]]
  }

  /// The schema of an object.
  ///
  /// - Parameter more: properties that no reader knows.
  mutating func object(_ form: Form, more: JSONObject = [:]) -> JSONObject {
    guard !form.variants.isEmpty else {
      return keys(form.keys, of: form, properties: more)
    }
    var all: [JSONValue] = []
    if let alternative = form.alternative {
      all.append(.object(keys([alternative] + form.keys, of: form, properties: more)))
    }
    for variant in form.variants {
      var choice: JSONObject = [
        "const": .string(variant.name), "description": .string(plainText(variant.summary)),
      ]
      if form.fallback == variant.name { choice["default"] = .string(variant.name) }
      var properties = more
      properties[form.choiceKey] = .object(choice)
      var object = keys(variant.hyperparameters + form.keys, of: form, properties: properties)
      object["title"] = .string(variant.name)
      if form.fallback != variant.name {
        object["required"] = .array(
          [.string(form.choiceKey)] + (object["required"]?.arrayValue ?? []))
      }
      all.append(.object(object))
    }
    return ["oneOf": .array(all)]
  }

  private mutating func keys(
    _ keys: [Hyperparameter], of form: Form, properties: JSONObject
  ) -> JSONObject {
    var properties = properties
    for hyperparameter in keys { properties[hyperparameter.key] = property(hyperparameter) }
    var object: JSONObject = [
      "type": "object", "properties": .object(properties), "additionalProperties": false,
    ]
    let required = keys.filter(\.isRequired).map { JSONValue.string($0.key) }
    if !required.isEmpty { object["required"] = .array(required) }
    if !form.exactlyOne.isEmpty { object["oneOf"] = .array(exactlyOne(form.exactlyOne)) }
    return object
  }

  /// One of the keys has a value, the others have none or null.
  private func exactlyOne(_ keys: [String]) -> [JSONValue] {
    keys.map { key in
      var properties: JSONObject = [:]
      for other in keys {
        properties[other] = other == key ? ["not": ["type": "null"]] : ["type": "null"]
      }
      return ["required": [.string(key)], "properties": .object(properties)]
    }
  }

  private mutating func property(_ hyperparameter: Hyperparameter) -> JSONValue {
    var schema: JSONObject = [
      "description": .string(plainText(hyperparameter.summary))
    ]
    if let value = hyperparameter.defaultValue, value != [:] { schema["default"] = value }
    var forms = alternatives(hyperparameter.kind)
    if hyperparameter.isOptional { forms.append(["type": "null"]) }
    if forms.count == 1, case .object(let only) = forms[0] {
      for (key, value) in only.members { schema[key] = value }
    } else {
      schema["anyOf"] = .array(forms)
    }
    return .object(schema)
  }

  /// The shapes that a value may have: the value, or a list of it alone; a list, or its only element.
  private mutating func alternatives(_ kind: HyperparameterKind) -> [JSONValue] {
    func list(_ items: JSONValue, _ count: ClosedRange<Int> = 0...Int.max) -> JSONValue {
      var schema: JSONObject = ["type": "array", "items": items]
      if count.lowerBound > 0 { schema["minItems"] = .integer(count.lowerBound) }
      if count.upperBound < .max { schema["maxItems"] = .integer(count.upperBound) }
      return .object(schema)
    }
    func orListOfOne(_ schema: JSONValue) -> [JSONValue] { [schema, list(schema, 1...1)] }
    func integer(_ range: ClosedRange<Int>) -> JSONValue {
      var schema: JSONObject = ["type": "integer"]
      if range.lowerBound > .min { schema["minimum"] = .integer(range.lowerBound) }
      if range.upperBound < .max { schema["maximum"] = .integer(range.upperBound) }
      return .object(schema)
    }
    func number(_ range: NumberRange) -> JSONValue {
      var schema: JSONObject = ["type": "number"]
      for (key, value) in range.schema.members { schema[key] = value }
      return .object(schema)
    }
    switch kind {
    case .boolean: return orListOfOne(["type": "boolean"])
    case .integer(let range): return orListOfOne(integer(range))
    case .number(let range): return orListOfOne(number(range))
    case .choice(let choices):
      let digits = choices.compactMap { Int($0) }.map { JSONValue.integer($0) }
      return orListOfOne(["enum": .array(choices.map { .string($0) } + digits)])
    case .text, .file: return orListOfOne(["type": "string"])
    case .files: return [["type": "string"], list(["type": "string"], 1...Int.max)]
    case .members(let form):
      return [["type": "object", "additionalProperties": reference(form())]]
    case .integers(let range, let count):
      return [list(integer(range), count)] + (count.contains(1) ? [integer(range)] : [])
    case .numbers(let range): return [list(number(range)), number(range)]
    case .namedNumbers(let range):
      return [["type": "object", "additionalProperties": number(range)]]
    case .texts: return [list(["type": "string"]), ["type": "string"]]
    case .pair(let range):
      return [integer(range), list(integer(range), 1...2)]
    case .either(let plain, .object(let form)): return alternatives(plain) + [reference(form())]
    case .either(let first, let second): return alternatives(first) + alternatives(second)
    case .object(let form): return orListOfOne(reference(form()))
    case .objects(let form):
      let element = reference(form())
      return [list(element), element]
    }
  }
}

/// A summary without the marks of Markdown's links.
private func plainText(_ summary: String) -> String {
  var text = summary
  while let open = text.firstRange(of: "](") {
    guard let close = text[open.upperBound...].firstIndex(of: ")"),
      let start = text[..<open.lowerBound].lastIndex(of: "[")
    else { break }
    let words = text[text.index(after: start)..<open.lowerBound]
    text.replaceSubrange(start...close, with: String(words))
  }
  return text
}
