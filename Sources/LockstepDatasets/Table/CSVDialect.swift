import LockstepFiles

/// How a text table is written.
package struct CSVDialect: Sendable, Equatable {
  /// The character between cells; nil where it is to be found out.
  package var delimiter: Unicode.Scalar?
  /// The character around cells that hold delimiters; nil where none has a meaning.
  package var quote: Unicode.Scalar?
  /// Whether fractions are behind a comma.
  package var hasDecimalComma: Bool
  /// What begins a line that is passed over; nil for nothing.
  package var comment: Unicode.Scalar?
  /// Whether the first row names the columns. If not, they are column_1, column_2, …
  package var hasHeader: Bool

  /// Comma-separated values with a header, but for what is given.
  package init(
    delimiter: Unicode.Scalar? = ",", quote: Unicode.Scalar? = "\"", hasDecimalComma: Bool = false,
    comment: Unicode.Scalar? = nil, hasHeader: Bool = true
  ) {
    self.delimiter = delimiter
    self.quote = quote
    self.hasDecimalComma = hasDecimalComma
    self.comment = comment
    self.hasHeader = hasHeader
  }

  /// The byte between the whole digits of a number and the fraction's.
  var point: UInt8 { hasDecimalComma ? UInt8(ascii: ",") : UInt8(ascii: ".") }

  /// The same with one of its keys, by its name in configurations, as another dialect has it.
  package func changed(_ key: String, as other: CSVDialect) -> CSVDialect {
    var changed = self
    switch key {
    case "delimiter": changed.delimiter = other.delimiter
    case "quote": changed.quote = other.quote
    case "decimal": changed.hasDecimalComma = other.hasDecimalComma
    case "comment": changed.comment = other.comment
    case "header": changed.hasHeader = other.hasHeader
    default: break
    }
    return changed
  }

  /// The name of a column that no header names.
  static func columnName(_ place: Int) -> String { "column_\(place + 1)" }

  /// What is wrong with it; nil where it can be read.
  package var problem: String? {
    func isUsable(_ scalar: Unicode.Scalar?) -> Bool {
      scalar.map { $0.isASCII && $0 != "\n" && $0 != "\r" } ?? true
    }
    if let delimiter, !isUsable(delimiter) || delimiter == quote {
      return "'\(delimiter)' cannot be the delimiter of a table"
    }
    if let quote, !isUsable(quote) { return "'\(quote)' cannot be the quote of a table" }
    if let comment, !isUsable(comment) || comment == quote || comment == delimiter {
      return "'\(comment)' cannot begin the comments of a table"
    }
    if hasDecimalComma, delimiter == "," {
      return "the comma cannot be both the delimiter and the decimal point of a table"
    }
    return nil
  }

  /// The delimiters that are looked for, the most usual first.
  private static let candidates: [Unicode.Scalar] = [",", ";", "\t", "|"]

  /// The same with the delimiter that a text's first bytes show: the one that cuts all of its lines into
  /// the same number of cells, the most of them; a comma where none does.
  func resolved(by start: some Collection<UInt8>) -> CSVDialect {
    guard delimiter == nil else { return self }
    var best: (delimiter: Unicode.Scalar, cells: Int, isEven: Bool) = (",", 1, false)
    for candidate in Self.candidates where !(candidate == "," && hasDecimalComma) {
      let counts = cellCounts(start, UInt8(ascii: candidate))
      guard let first = counts.first, first > 1 else { continue }
      let isEven = counts.allSatisfy { $0 == first }
      if isEven == best.isEven ? first > best.cells : isEven { best = (candidate, first, isEven) }
    }
    var resolved = self
    resolved.delimiter = hasDecimalComma && best.cells == 1 ? ";" : best.delimiter
    return resolved
  }

  /// The number of cells of each whole line.
  private func cellCounts(_ start: some Collection<UInt8>, _ delimiter: UInt8) -> [Int] {
    let (quote, comment) = (
      self.quote.map { UInt8(ascii: $0) }, self.comment.map { UInt8(ascii: $0) }
    )
    var counts: [Int] = []
    var (cells, isQuoted, isComment, length) = (1, false, false, 0)
    for byte in start {
      if byte == UInt8(ascii: "\n"), !isQuoted {
        if length > 0, !isComment { counts.append(cells) }
        (cells, isComment, length) = (1, false, 0)
        continue
      }
      if length == 0, byte == comment { isComment = true }
      if !isComment, byte == quote { isQuoted.toggle() }
      if byte == delimiter, !isQuoted { cells += 1 }
      if byte != UInt8(ascii: "\r") { length += 1 }
    }
    return counts.isEmpty && length > 0 && !isComment ? [cells] : counts
  }
}

extension CSVDialect {
  /// What differs from comma-separated values with a header, as a file holds it; the delimiter always.
  var json: JSONObject {
    var object: JSONObject = [
      "delimiter": .string(delimiter.map { String(Character($0)) } ?? "auto")
    ]
    let usual = CSVDialect()
    if quote != usual.quote { object["quote"] = .string(quote.map { String(Character($0)) } ?? "") }
    if hasDecimalComma { object["decimal"] = "," }
    if let comment { object["comment"] = .string(String(Character(comment))) }
    if !hasHeader { object["header"] = false }
    return object
  }

  init?(_ json: JSONValue) {
    guard let delimiter = json["delimiter"]?.stringValue else { return nil }
    self.init(
      delimiter: delimiter == "auto" ? nil : delimiter.unicodeScalars.first,
      quote: json["quote"]?.stringValue.map { $0.unicodeScalars.first } ?? "\"",
      hasDecimalComma: json["decimal"]?.stringValue == ",",
      comment: json["comment"]?.stringValue?.unicodeScalars.first,
      hasHeader: json["header"]?.boolValue ?? true)
    guard delimiter == "auto" || delimiter.unicodeScalars.count == 1, problem == nil else {
      return nil
    }
  }
}
