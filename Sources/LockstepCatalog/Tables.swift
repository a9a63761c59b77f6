import LockstepFiles

/// What can be chosen, as tables for people.
extension Form {
  /// A row for each variant, with its keys and their defaults, in Markdown.
  package var markdown: String {
    let lines = variants.map { "| `\($0.name)` | \($0.summary) | \($0.keyText("`")) |" }
    return (["| type | meaning | keys (defaults) |", "|---|---|---|"] + lines)
      .joined(separator: "\n")
  }

  /// The same as plain text.
  package var text: String {
    variants.map { variant in
      let keys = variant.keyText("")
      return "\(variant.name): \(variant.summary)\n" + (keys.isEmpty ? "" : "    \(keys)\n")
    }.joined()
  }
}

extension Form.Variant {
  /// The keys in one line: `limit`, `norm` (2).
  fileprivate func keyText(_ quote: String) -> String {
    hyperparameters.filter(\.isShown).map { hyperparameter in
      let name = quote + hyperparameter.key + quote
      guard let value = hyperparameter.shownDefault else {
        return name + (quote.isEmpty ? " required" : " *required*")
      }
      return value.isEmpty ? name : "\(name) (\(value))"
    }.joined(separator: ", ")
  }
}

/// A key of a section, as a row of a table.
package struct KeyRow: Sendable {
  /// The dotted key.
  package let key: String
  /// The default; nil for a key that must be given.
  let value: String?
  let summary: String

  /// The rows of a key: its own, or those of its object's keys.
  package static func rows(_ hyperparameter: Hyperparameter) -> [KeyRow] {
    let key = hyperparameter.key
    switch hyperparameter.kind {
    case .object(let form), .objects(let form):
      let form = form()
      let chosen =
        form.variants.isEmpty
        ? []
        : [KeyRow(key: "\(key).\(form.choiceKey)", value: form.fallback, summary: form.summary)]
      return chosen
        + (form.variants.flatMap(\.hyperparameters) + form.keys).map {
          KeyRow(key: "\(key).\($0.key)", value: $0.shownDefault, summary: $0.summary)
        }
    default:
      return [
        KeyRow(key: key, value: hyperparameter.shownDefault, summary: hyperparameter.summary)
      ]
    }
  }

  /// A table in Markdown.
  package static func markdown(_ rows: [KeyRow]) -> String {
    let lines = rows.map { row in
      let value = row.value.map { $0.isWord ? "`\($0)`" : $0 }
      return "| `\(row.key)` | \(value ?? "*required*") | \(row.summary) |"
    }
    return (["| key | default | meaning |", "|---|---|---|"] + lines).joined(separator: "\n")
  }

  /// A table as plain text.
  package static func text(_ rows: [KeyRow]) -> String {
    rows.map { row in
      let value = row.value.map { $0.isEmpty ? "" : " (\($0))" } ?? " required"
      return "\(row.key)\(value): \(row.summary)\n"
    }.joined()
  }
}

extension String {
  /// Whether it is a word of a configuration, neither a number nor a sentence.
  fileprivate var isWord: Bool {
    !isEmpty && !contains(" ") && self != "–" && Double(self) == nil
  }
}

extension Hyperparameter {
  /// The default as tables show it; nil where there is none, as the key must be given.
  package var shownDefault: String? {
    if isRequired { return nil }
    return absence ?? defaultValue.map(Self.shown) ?? ""
  }

  private static func shown(_ value: JSONValue) -> String {
    switch value {
    case .null, .object, .array([]): ""
    case .bool(let flag): "\(flag)"
    case .integer(let number): "\(number)"
    case .number(let number): plain(number)
    case .string(let text): text
    case .array(let list): "[\(list.map(shown).joined(separator: ", "))]"
    }
  }
}
