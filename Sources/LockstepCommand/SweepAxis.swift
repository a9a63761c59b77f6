import LockstepFiles

/// One key of a sweep with its values, as `--vary KEY.PATH=V1,V2,…` gives them.
struct SweepAxis {
  let key: String
  let values: [JSONValue]

  /// Parses `KEY.PATH=V1,V2,…`. Commas inside of brackets, braces and quotes belong to a value, so
  /// that lists and objects can be varied: `model.sizes=[16,3],[32,3]`. A value is JSON where it
  /// parses as JSON, else a text.
  init(_ text: String) throws {
    guard let equals = text.firstIndex(of: "="), equals != text.startIndex else {
      throw ArgumentError(description: "'--vary' expects KEY.PATH=V1,V2,…; found '\(text)'")
    }
    key = String(text[..<equals])
    let list = text[text.index(after: equals)...]
    let parts = try Self.parts(list, of: key)
    guard !list.allSatisfy(\.isWhitespace), !parts.isEmpty else {
      throw ArgumentError(description: "'--vary \(key)=' has no values")
    }
    guard !parts.contains("") else {
      throw ArgumentError(description: "'--vary \(key)=\(list)' has an empty value")
    }
    values = parts.map { (try? JSONValue.parse($0)) ?? .string($0) }
    var seen: [JSONValue] = []
    for (value, part) in zip(values, parts) {
      guard !seen.contains(value) else {
        throw ArgumentError(description: "'--vary \(key)=\(list)' has the value \(part) twice")
      }
      seen.append(value)
    }
  }

  /// The axes of all options; no two of one key.
  static func all(_ texts: [String]) throws -> [SweepAxis] {
    var axes: [SweepAxis] = []
    for text in texts {
      let axis = try SweepAxis(text)
      guard !axes.contains(where: { $0.key == axis.key }) else {
        throw ArgumentError(
          description: "'--vary \(axis.key)=' is given twice; list all its values in one")
      }
      axes.append(axis)
    }
    guard !axes.isEmpty else {
      throw ArgumentError(description: "'--vary KEY.PATH=V1,V2,…' is missing")
    }
    return axes
  }

  /// Every combination of the values, the last key's changing first.
  static func grid(_ axes: [SweepAxis]) throws -> [[Override]] {
    var count = 1
    for axis in axes {
      let (product, overflow) = count.multipliedReportingOverflow(by: axis.values.count)
      guard !overflow, product <= 100_000 else {
        throw ArgumentError(description: "the grid of all '--vary' has more than 100000 points")
      }
      count = product
    }
    return axes.reduce([[]]) { grid, axis in
      grid.flatMap { point in
        axis.values.map { point + [Override(path: axis.key, value: $0)] }
      }
    }
  }

  /// The list cut at the commas outside of brackets, braces and quotes.
  private static func parts(_ list: Substring, of key: String) throws -> [String] {
    var parts = [""]
    var open: [Character] = []
    var (inQuotes, isEscaped) = (false, false)
    for character in list {
      if inQuotes {
        if !isEscaped, character == "\"" { inQuotes = false }
        isEscaped = !isEscaped && character == "\\"
      } else if character == "\"" {
        inQuotes = true
      } else if character == "[" || character == "{" {
        open.append(character == "[" ? "]" : "}")
      } else if character == "]" || character == "}" {
        guard open.popLast() == character else {
          throw ArgumentError(
            description: "'--vary \(key)=\(list)' closes '\(character)', which is not open")
        }
      } else if character == ",", open.isEmpty {
        parts.append("")
        continue
      }
      parts[parts.count - 1].append(character)
    }
    guard open.isEmpty, !inQuotes else {
      throw ArgumentError(
        description: "'--vary \(key)=\(list)' lacks a closing '\(open.last ?? "\"")'")
    }
    return parts.map { part in
      let start = part.drop(while: \.isWhitespace)
      return String(start.reversed().drop(while: \.isWhitespace).reversed())
    }
  }
}
