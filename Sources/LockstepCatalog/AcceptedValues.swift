import LockstepFiles

extension HyperparameterKind {
  /// What values are right, in words.
  package var expectation: String {
    switch self {
    case .boolean: "true or false"
    case .integer(let range): "an integer\(words(range))"
    case .number(let range): "a number\(range.words)"
    case .choice(let choices):
      (choices.count > 1 ? "one of " : "") + choices.map { "'\($0)'" }.joined(separator: ", ")
    case .text: "a string"
    case .file: "a path"
    case .files: "a path or an array of paths"
    case .integers(let range, let count):
      switch (count.lowerBound, count.upperBound) {
      case (0, .max): "an array of integers\(words(range))"
      case (let least, .max): "an array of at least \(counted(least, "integer"))\(words(range))"
      case (let least, _): "an array of \(counted(least, "integer"))\(words(range))"
      }
    case .numbers(let range): "an array of numbers\(range.words)"
    case .namedNumbers(let range): "an object of numbers\(range.words) by their names"
    case .texts: "an array of strings"
    case .pair(let range): "an integer or [rows, columns]\(words(range))"
    case .either(let first, let second):
      first.expectation + (second.expectation.contains(" or ") ? ", " : " or ")
        + second.expectation
    case .object(let form): form().expectation
    case .objects(let form): "an array of objects" + form().shorthandWords
    case .members(let form): "an object of names, each with an object" + form().shorthandWords
    }
  }

  /// Whether a list is meant, so that a list in it is not taken for the value.
  var isList: Bool {
    switch self {
    case .integers, .numbers, .texts, .files: true
    default: false
    }
  }

  /// A plain value in the form that is asked for, or nil where it is not right: a number without a
  /// fraction is an integer, a single value a list of one.
  package func accepted(_ value: JSONValue) -> JSONValue? {
    func elements(_ convert: (JSONValue) -> JSONValue?) -> [JSONValue]? {
      let all = value.arrayValue ?? [value]
      let converted = all.compactMap(convert)
      return converted.count == all.count ? converted : nil
    }
    switch self {
    case .boolean: return value.boolValue.map { .bool($0) }
    case .integer(let range):
      return value.integerValue.flatMap { range.contains($0) ? .integer($0) : nil }
    case .number(let range):
      return value.doubleValue.flatMap { range.contains($0) ? .number($0) : nil }
    case .choice(let choices):
      let text = value.stringValue ?? value.integerValue.map(String.init)
      return text.flatMap { choices.contains($0) ? .string($0) : nil }
    case .text, .file: return value.stringValue.map { .string($0) }
    case .integers(let range, let count):
      return elements(Self.integer(range).accepted).flatMap {
        count.contains($0.count) ? .array($0) : nil
      }
    case .numbers(let range): return elements(Self.number(range).accepted).map { .array($0) }
    case .namedNumbers(let range):
      guard let members = value.objectValue?.members, !members.isEmpty else { return nil }
      var object = JSONObject()
      for (name, value) in members { object[name] = Self.number(range).accepted(value) }
      return object.members.count == members.count ? .object(object) : nil
    case .texts: return elements(Self.text.accepted).map { .array($0) }
    case .files:
      guard let paths = elements(Self.file.accepted), !paths.isEmpty else { return nil }
      return value.arrayValue == nil ? paths[0] : .array(paths)
    case .pair(let range):
      guard value.arrayValue != nil else { return Self.integer(range).accepted(value) }
      return Self.integers(range, count: 2...2).accepted(value)
    case .either(let first, let second): return first.accepted(value) ?? second.accepted(value)
    case .object, .objects, .members: return nil
    }
  }
}
