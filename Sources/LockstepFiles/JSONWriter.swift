extension JSONValue {
  /// The value on one line, without spaces: a line of a JSONL file.
  ///
  /// Numbers have the fewest digits that read back as the same Double. JSON has no numbers for
  /// NaN and the infinities: they become the strings "NaN", "Infinity" and "-Infinity".
  package var compactText: String {
    var output = ""
    write(to: &output, indentation: nil)
    return output
  }

  /// The value on many lines, two spaces a level, with arrays of plain values on one line.
  package var prettyText: String {
    var output = ""
    write(to: &output, indentation: 0)
    return output
  }

  private func write(to output: inout String, indentation: Int?) {
    switch self {
    case .null: output += "null"
    case .bool(let value): output += value ? "true" : "false"
    case .integer(let value): output += String(value)
    case .number(let value):
      if value.isFinite {
        output += value.description
      } else {
        output += value.isNaN ? "\"NaN\"" : value > 0 ? "\"Infinity\"" : "\"-Infinity\""
      }
    case .string(let value): Self.write(value, to: &output)
    case .array(let elements):
      let isFlat = elements.allSatisfy { !$0.isContainer }
      Self.writeList(
        elements, "[", "]", to: &output, indentation: indentation, isFlat: isFlat
      ) { element, output, level in
        element.write(to: &output, indentation: level)
      }
    case .object(let object):
      Self.writeList(
        object.members, "{", "}", to: &output, indentation: indentation, isFlat: false
      ) { member, output, level in
        Self.write(member.key, to: &output)
        output += level == nil ? ":" : ": "
        member.value.write(to: &output, indentation: level)
      }
    }
  }

  private var isContainer: Bool {
    switch self {
    case .array, .object: true
    default: false
    }
  }

  private static func writeList<Element>(
    _ elements: [Element], _ open: String, _ close: String, to output: inout String,
    indentation: Int?, isFlat: Bool, _ write: (Element, inout String, Int?) -> Void
  ) {
    func newLine(_ level: Int) { output += "\n" + String(repeating: "  ", count: level) }
    output += open
    for (index, element) in elements.enumerated() {
      if index > 0 { output += "," }
      if let indentation {
        if !isFlat { newLine(indentation + 1) } else if index > 0 { output += " " }
      }
      write(element, &output, indentation.map { $0 + 1 })
    }
    if let indentation, !isFlat, !elements.isEmpty { newLine(indentation) }
    output += close
  }

  private static func write(_ text: String, to output: inout String) {
    output += "\""
    for scalar in text.unicodeScalars {
      switch scalar {
      case "\"": output += "\\\""
      case "\\": output += "\\\\"
      case "\n": output += "\\n"
      case "\r": output += "\\r"
      case "\t": output += "\\t"
      // Beside JSON's own control characters those that a terminal might obey.
      case _ where scalar.isUnprintable:
        let digits = String(scalar.value, radix: 16)
        output += "\\u" + String(repeating: "0", count: 4 - digits.utf8.count) + digits
      default: output.unicodeScalars.append(scalar)
      }
    }
    output += "\""
  }
}
