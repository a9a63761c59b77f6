import LockstepFiles

/// Yes or no, which become 1 and 0. Missing values are 0 and have a second input, where the training part
/// has some.
package struct BooleanEncoding: CellCoding, Equatable {
  /// Whether missing values have an input.
  package var hasMissing: Bool

  package init(hasMissing: Bool = false) { self.hasMissing = hasMissing }

  /// What words mean, in lower case.
  private static let words: [String: Bool] = [
    "true": true, "false": false, "yes": true, "no": false, "t": true, "f": false, "y": true,
    "n": false, "on": true, "off": false, "1": true, "0": false, "1.0": true, "0.0": false,
  ]

  /// What a trimmed text means; nil for another one.
  static func value(_ text: String) -> Bool? {
    text.utf8.count <= 5 ? words[text.lowercased()] : nil
  }

  /// Whether a text means yes or no without being told that it does.
  static func isWord(_ text: String) -> Bool {
    value(text) != nil && CellText.number(text) == nil
  }

  static let expectation = "true or false, yes or no, 1 or 0"

  init(_ cells: ColumnRows, _ rule: ColumnRule) throws(FileError) {
    let found = try cells.distinct()
    if let place = found.texts.firstIndex(where: { Self.value($0) == nil }) {
      throw cells.fault(
        found.rows[place],
        "expected \(Self.expectation), found \(found.texts[place].shortened(to: 40).quoted)")
    }
    if rule.missing == .refuse, let row = found.firstMissing {
      throw cells.fault(
        row, "the value is missing, and 'data.columns' says that this is an error: fill it in")
    }
    hasMissing = found.missing > 0
  }

  var suffixes: [String] { hasMissing ? ["", Self.missingSuffix] : [""] }

  struct Writer: CellWriter {
    let hasMissing: Bool
    let cells: ColumnCells
    /// 1, 0, −1 for a missing value, −2 for another text.
    let value: (Int) -> Int

    func write(_ row: Int, to inputs: UnsafeMutablePointer<Float>) throws(FileError) {
      switch value(row) {
      case -1 where hasMissing: inputs[1] = 1
      case -1:
        throw cells.fault(
          row, "the value is missing: fill it in; the training part had one in all rows")
      case -2:
        throw cells.fault(
          row,
          "expected \(BooleanEncoding.expectation), found \(cells.text(row).shortened(to: 40).quoted)"
        )
      case let value: inputs[0] = Float(value)
      }
    }
  }

  func writer(_ cells: ColumnCells) -> any CellWriter {
    Writer(
      hasMissing: hasMissing, cells: cells,
      value: cells.mapped { text in
        CellText.isMissing(text) ? -1 : Self.value(text).map { $0 ? 1 : 0 } ?? -2
      })
  }

  var json: JSONObject { ["missing": .bool(hasMissing)] }

  init?(_ json: JSONValue) {
    guard let hasMissing = json["missing"]?.boolValue else { return nil }
    self.init(hasMissing: hasMissing)
  }
}
