import LockstepFiles

/// What the text of a table's cell means. All cells follow these rules: features, targets, classes.
enum CellText {
  /// The words that stand for a missing value, in lower case; so does an empty cell.
  static let missingWords: Set<String> = [
    "na", "n/a", "nan", "-nan", "null", "?", "<na>", "#n/a", "#na",
  ]

  /// The text without white space at its ends.
  static func trimmed(_ text: String) -> String {
    // Most cells have none, which their first and last byte show.
    guard let first = text.utf8.first, let last = text.utf8.last else { return text }
    func isPlain(_ byte: UInt8) -> Bool { byte > 0x20 && byte < 0x7f }
    if isPlain(first), isPlain(last) { return text }
    let scalars = text.unicodeScalars
    func isBlank(_ scalar: Unicode.Scalar) -> Bool {
      scalar.properties.isWhitespace || scalar == "\u{feff}" || scalar == "\u{200b}"
    }
    guard let end = scalars.lastIndex(where: { !isBlank($0) }) else { return "" }
    return String(scalars[...end].drop(while: isBlank))
  }

  /// Whether a trimmed text stands for a missing value.
  static func isMissing(_ text: String) -> Bool {
    text.isEmpty || text.utf8.count <= 4 && missingWords.contains(text.lowercased())
  }

  /// A number as a table has it: whole numbers without a point.
  static func text(_ value: Double) -> String {
    Int(exactly: value).map { "\($0)" } ?? "\(value)"
  }

  /// The finite number that a trimmed text is in decimal notation; nil for anything else.
  ///
  /// - Parameter point: the byte between the whole digits and the fraction's.
  static func number(_ text: String, point: UInt8 = UInt8(ascii: ".")) -> Double? {
    var text = text
    return text.withUTF8 { DecimalNumber.read($0, point: point) }
  }
}
