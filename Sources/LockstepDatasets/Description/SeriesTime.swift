import LockstepFiles

/// The times of a table's rows, by which the steps of a series are ordered.
struct SeriesTime {
  private let table: CSVTable
  private let column: Int
  private let values: [Double]

  /// - Throws: `FileError` that names line and column of a cell that is no time.
  init(_ table: CSVTable, column: Int) throws(FileError) {
    self.table = table
    self.column = column
    var values: [Double] = []
    values.reserveCapacity(table.rowCount)
    var seen: [Form: Int] = [:]
    for row in 0..<table.rowCount {
      let text = table.trimmed(row: row, column: column)
      guard let value = CellText.number(text) ?? Self.seconds(text) else {
        throw table.fault(
          row: row, column: column,
          text.isEmpty
            ? "the time is missing"
            : "expected a time, found '\(text.shortened(to: 40))'; times are numbers or dates like "
              + "2024-01-31 and 2024-01-31 18:30:00")
      }
      let form = Form(text)
      if let other = form.rivals.compactMap({ seen[$0] }).first {
        let before = table.trimmed(row: other, column: column)
        throw table.fault(
          row: row, column: column,
          "'\(text)' is \(form.words), and '\(before)' on line \(table.line(ofRow: other)) is "
            + "\(Form(before).words): write all times alike")
      }
      if seen[form] == nil { seen[form] = row }
      values.append(value)
    }
    self.values = values
  }

  /// How a time is written.
  private enum Form {
    case number
    /// A date by a clock that is not said, which is taken for UTC's.
    case local
    /// A date in UTC.
    case universal
    /// A date with an offset from UTC.
    case offset

    init(_ text: String) {
      if CellText.number(text) != nil {
        self = .number
      } else {
        switch CalendarDate.offset(text) {
        case "": self = .local
        case "Z": self = .universal
        default: self = .offset
        }
      }
    }

    /// The forms whose times cannot be compared with those of this one.
    var rivals: [Form] {
      switch self {
      case .number: [.local, .universal, .offset]
      case .local: [.number, .offset]
      case .universal: [.number]
      case .offset: [.number, .local]
      }
    }

    var words: String {
      switch self {
      case .number: "a number"
      case .local: "a date without an offset from UTC"
      case .universal: "a date in UTC"
      case .offset: "a date with an offset from UTC"
      }
    }
  }

  /// The rows of a series in the order of their times.
  ///
  /// - Throws: `FileError` that names both lines of a time that stands twice.
  func ordered(_ rows: [Int], of series: String?) throws(FileError) -> [Int] {
    let sorted = rows.sorted { (values[$0], $0) < (values[$1], $1) }
    for (before, row) in zip(sorted, sorted.dropFirst()) where values[before] == values[row] {
      throw table.fault(
        row: row, column: column,
        "\(Self.name(series)) has the time '\(text(row))' on line \(table.line(ofRow: before)) already; a "
          + "series has one row a time: remove one of them")
    }
    return sorted
  }

  /// The smallest distance of two steps of a series; nil where no series has two.
  func interval(of series: [[Int]]) -> Double? {
    var least: Double?
    for rows in series {
      for (before, row) in zip(rows, rows.dropFirst()) {
        least = min(least ?? .infinity, values[row] - values[before])
      }
    }
    return least
  }

  /// Makes sure that steps lie one interval apart.
  ///
  /// - Throws: `FileError` that names the lines on both sides of a gap.
  func check(_ rows: [Int], of series: String?, interval: Double) throws(FileError) {
    for (before, row) in zip(rows, rows.dropFirst()) {
      let distance = values[row] - values[before]
      guard abs(distance - interval) > 1e-6 * interval else { continue }
      throw table.fault(
        row: row, column: column,
        "\(Self.name(series)) goes from '\(text(before))' (line \(table.line(ofRow: before))) to "
          + "'\(text(row))', and steps are \(Self.words(interval, isDate: isDate)) apart: fill the gap in, or "
          + "set 'data.allowGaps' to true where distances do not matter")
    }
  }

  private var isDate: Bool {
    table.rowCount > 0 && CellText.number(text(0)) == nil
  }

  private func text(_ row: Int) -> String { table.trimmed(row: row, column: column) }

  private static func name(_ series: String?) -> String {
    series.map { "the series \($0.quoted)" } ?? "the series"
  }

  private static func words(_ interval: Double, isDate: Bool) -> String {
    guard isDate else { return readable(interval) }
    for (unit, seconds) in [("day", 86_400.0), ("hour", 3600), ("minute", 60)] {
      let count = interval / seconds
      if count == count.rounded() { return counted(Int(count), unit) }
    }
    return readable(interval) + " seconds"
  }

  /// The seconds since 1970 of a date, with a time or without, in UTC where it has an offset; nil for another
  /// text.
  static func seconds(_ text: String) -> Double? {
    guard case .date(let date)? = CalendarDate.read(text, order: nil) else { return nil }
    return Double(date.dayNumber) * 86_400 + (date.seconds ?? 0) - CalendarDate.offsetSeconds(text)
  }
}
