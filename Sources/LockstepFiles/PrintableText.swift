extension StringProtocol {
  /// The text as it can be shown to people on one line: control characters, line breaks and marks
  /// that change the direction of writing are escaped, as `\u{1b}`.
  ///
  /// What a file or a command line holds goes through here before a terminal sees it: an escape
  /// sequence in the name of a tensor would otherwise be obeyed.
  package var printable: String { escaping { $0.isUnprintable } }

  /// As ``printable``, with line breaks and tabs left as they are: for text of several lines.
  package var printableLines: String {
    escaping { $0.isUnprintable && $0 != "\n" && $0 != "\t" }
  }

  /// The text in single quotes, printable, and cut where it is longer than 80 characters: for a name
  /// or a value in a sentence.
  package var quoted: String { "'\(shortened(to: 80))'" }

  /// The printable text, cut where it is longer than so many characters.
  package func shortened(to limit: Int) -> String {
    let start = unicodeScalars.prefix(limit + 1)
    guard start.count > limit else { return String(self).printable }
    return String(String.UnicodeScalarView(start.prefix(limit - 1))).printable + "…"
  }

  private func escaping(_ isEscaped: (Unicode.Scalar) -> Bool) -> String {
    guard unicodeScalars.contains(where: isEscaped) else { return String(self) }
    return unicodeScalars.reduce(into: "") { result, scalar in
      if isEscaped(scalar) {
        result += "\\u{\(String(scalar.value, radix: 16))}"
      } else {
        result.unicodeScalars.append(scalar)
      }
    }
  }
}

extension Unicode.Scalar {
  /// Whether a terminal might do something else than show the character. All of these are of the
  /// first 65,536.
  var isUnprintable: Bool {
    switch value {
    case 0..<0x20, 0x7f..<0xa0: true
    case 0x200e, 0x200f, 0x2028...0x202e, 0x2066...0x2069, 0xfeff: true
    default: false
    }
  }
}
