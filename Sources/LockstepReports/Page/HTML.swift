import LockstepFiles

/// Pieces of a page, built from text that is always escaped.
enum HTML {
  /// A text between tags or inside of quotes. Control characters, which a file's names may have, are shown
  /// as such.
  static func escaped(_ text: String) -> String {
    text.printableLines.unicodeScalars.reduce(into: "") { result, scalar in
      switch scalar {
      case "&": result += "&amp;"
      case "<": result += "&lt;"
      case ">": result += "&gt;"
      case "\"": result += "&quot;"
      default: result.unicodeScalars.append(scalar)
      }
    }
  }

  /// JSON inside of a script element, which `<` might end.
  static func script(_ json: JSONValue) -> String {
    json.compactText.replacing("<", with: "\\u003c")
  }

  /// A table with a header, whose first column names the rows.
  static func table(
    _ header: [String], _ rows: [[String]], style: String = "", numbers: Bool = false
  ) -> String {
    let kind = numbers ? " class=\"number\"" : ""
    let top = header.enumerated().map { index, name in
      index == 0 && name.isEmpty
        ? "<td></td>" : "<th scope=\"col\"\(index > 0 ? kind : "")>\(escaped(name))</th>"
    }.joined()
    let body = rows.map { row in
      "<tr>"
        + row.enumerated().map { index, cell in
          index == 0
            ? "<th scope=\"row\">\(escaped(cell))</th>" : "<td\(kind)>\(escaped(cell))</td>"
        }.joined() + "</tr>\n"
    }.joined()
    return "<div class=\"scroll\"><table\(style.isEmpty ? "" : " class=\"\(style)\"")>"
      + (header.isEmpty ? "" : "<thead><tr>\(top)</tr></thead>\n")
      + "<tbody>\n\(body)</tbody></table></div>\n"
  }
}
