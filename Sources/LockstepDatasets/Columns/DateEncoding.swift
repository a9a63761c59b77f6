import LockstepFiles

/// Dates, which become their calendar parts, standardised like other numbers.
package struct DateEncoding: CellCoding, Equatable {
  /// One of the inputs.
  package struct Part: Sendable, Equatable {
    /// Which number of the date it is.
    package var part: DatePart
    /// What stands for it where the date is missing; nil where that is an error.
    package var fill: Double?
    var scale: Scale
  }

  /// The order of day, month and year where a date does not show it itself.
  package var order: DateOrder?
  /// The inputs.
  package var parts: [Part]
  /// Whether a last input is 1 where the date is missing.
  package var hasIndicator: Bool
  /// The offset from UTC that the times have, as it is written; nil where no date has a time.
  package var offset: String?

  /// Fits the order, the parts and their means on some rows.
  ///
  /// - Throws: `FileError` for a text that is no date, for dates whose order cannot be known, and for a
  ///   missing one that is an error.
  init(
    _ cells: ColumnCells, fitting rows: [Int], _ rule: ColumnRule, standardize: Bool
  ) throws(FileError) {
    let found = cells.distinct(rows)
    let order: DateOrder? =
      if let given = rule.dateOrder { given } else { try Self.order(cells, found) }
    self.order = order
    let policy = rule.missing ?? .refuse
    if policy == .refuse, let row = found.firstMissing {
      throw cells.fault(
        row,
        "the date is missing: fill it in, remove the line, or set 'missing' of the column in "
          + "'data.columns' to 'mean' or 'median'")
    }
    for (text, row) in zip(found.texts, found.rows) where Self.date(text, order) == nil {
      throw Self.fault(cells, row, order)
    }
    guard !found.texts.isEmpty else {
      throw FileError(
        path: cells.table.path, kind: .mismatch,
        reason:
          "the column \(cells.name.quoted) has no dates in the training part: leave it out with "
          + "'data.ignore'")
    }
    if let other = CalendarDate.firstOtherOffset(found.texts) {
      throw cells.fault(
        found.rows[other],
        "\(found.texts[other].quoted) has another offset from UTC than other times of the column: write all by one "
          + "clock, or leave the column out with 'data.ignore'")
    }
    offset = found.texts.first(where: CalendarDate.hasTime).map(CalendarDate.offset)
    let date = cells.mapped { Self.date($0, order) }
    let dates = rows.map(date)
    let hasTimes = dates.contains { $0?.seconds != nil }
    let wanted = rule.parts ?? DatePart.usual.filter { hasTimes || $0 != .hour }
    parts = wanted.compactMap { part in
      let known = dates.compactMap { $0?.value(part) }
      // What is the same all the time tells nothing, unless somebody asked for it.
      if rule.parts == nil, known.allSatisfy({ $0 == known[0] }) { return nil }
      let fill = policy.fill(of: known)
      let values = dates.map { $0?.value(part) ?? fill ?? 0 }
      return Part(part: part, fill: fill, scale: standardize ? Scale(fitting: values) : Scale())
    }
    hasIndicator = rule.hasIndicator == true && found.missing > 0
    guard !suffixes.isEmpty else {
      throw FileError(
        path: cells.table.path, kind: .mismatch,
        reason:
          "the column \(cells.name.quoted) has the same date in all rows of the training part: leave "
          + "it out with 'data.ignore'")
    }
  }

  /// The order that the dates of a column show; nil where each shows its own.
  static func order(
    _ cells: ColumnCells, _ found: ColumnCells.Distinct
  ) throws(FileError) -> DateOrder? {
    var shown: [DateOrder: Int] = [:]
    var ambiguous: Int?
    for (text, row) in zip(found.texts, found.rows) {
      guard let spelling = CalendarDate.Spelling(text), spelling.order != .ymd else { continue }
      if let order = spelling.order {
        shown[order] = min(shown[order] ?? row, row)
      } else {
        ambiguous = min(ambiguous ?? row, row)
      }
    }
    if let day = shown[.dmy], let month = shown[.mdy] {
      let (first, second) = (min(day, month), max(day, month))
      throw cells.fault(
        second,
        "'\(cells.text(second))' has the \(second == day ? "day" : "month") first, and "
          + "'\(cells.text(first))' on line \(cells.table.line(ofRow: first)) the "
          + "\(second == day ? "month" : "day"): write all dates alike")
    }
    if let row = ambiguous, shown.isEmpty {
      throw cells.fault(
        row,
        "'\(cells.text(row))' may have the day or the month first, and no date of the training part shows "
          + "which: set 'format' of the column in 'data.columns' to 'dmy' or 'mdy'")
    }
    return shown.keys.first
  }

  /// The date that a text is; nil for any other text.
  private static func date(_ text: String, _ order: DateOrder?) -> CalendarDate? {
    if case .date(let date)? = CalendarDate.read(text, order: order) { date } else { nil }
  }

  private static func fault(_ cells: ColumnCells, _ row: Int, _ order: DateOrder?) -> FileError {
    let text = cells.text(row)
    let isAmbiguous = CalendarDate.read(text, order: order) == .ambiguous
    return cells.fault(
      row,
      isAmbiguous
        ? "'\(text)' may have the day or the month first, which the training part did not show: write it as "
          + "2024-01-31"
        : "expected a date like 2024-01-31 or 2024-01-31 18:30\(order.map { ", or in the order \($0.rawValue)" } ?? ""), "
          + "found \(text.shortened(to: 40).quoted)")
  }

  var suffixes: [String] {
    parts.map { ".\($0.part.rawValue)" } + (hasIndicator ? [Self.missingSuffix] : [])
  }

  func notices(_ cells: ColumnCells, _ rows: [Int]) -> [String] {
    guard let offset else { return [] }
    let other = cells.distinct(rows).texts.first {
      CalendarDate.hasTime($0) && CalendarDate.offset($0) != offset
    }
    return other.map {
      [
        "\($0.quoted) of the column \(cells.name.quoted) has another offset from UTC than the training part's times, "
          + "\(offset.isEmpty ? "which have none" : offset): hours are those of the clock that wrote them"
      ]
    } ?? []
  }

  struct Writer: CellWriter {
    let coding: DateEncoding
    let cells: ColumnCells
    let date: (Int) -> (date: CalendarDate?, isMissing: Bool)

    func write(_ row: Int, to inputs: UnsafeMutablePointer<Float>) throws(FileError) {
      let (date, isMissing) = date(row)
      guard date != nil || isMissing else { throw DateEncoding.fault(cells, row, coding.order) }
      for (place, part) in coding.parts.enumerated() {
        guard let value = date?.value(part.part) ?? part.fill else {
          throw cells.fault(
            row, "the date is missing: fill it in; the run was trained on dates in all rows")
        }
        inputs[place] = part.scale.apply(value)
      }
      if isMissing, coding.hasIndicator { inputs[coding.parts.count] = 1 }
    }
  }

  func writer(_ cells: ColumnCells) -> any CellWriter {
    Writer(
      coding: self, cells: cells,
      date: cells.mapped { [order] in (Self.date($0, order), CellText.isMissing($0)) })
  }

  var json: JSONObject {
    [
      "order": order.map { .string($0.rawValue) } ?? .null,
      "parts": .array(
        parts.map {
          [
            "part": .string($0.part.rawValue), "mean": .number($0.scale.mean),
            "deviation": .number($0.scale.deviation), "fill": $0.fill.map { .number($0) } ?? .null,
          ]
        }),
      "indicator": .bool(hasIndicator), "offset": offset.map { .string($0) } ?? .null,
    ]
  }

  init?(_ json: JSONValue) {
    guard let list = json["parts"]?.arrayValue, let hasIndicator = json["indicator"]?.boolValue
    else { return nil }
    parts = list.compactMap { json in
      guard let part = json["part"]?.stringValue.flatMap(DatePart.init), let scale = Scale(json)
      else { return nil }
      return Part(part: part, fill: json["fill"]?.doubleValue, scale: scale)
    }
    order = json["order"]?.stringValue.flatMap(DateOrder.init)
    self.hasIndicator = hasIndicator
    offset = json["offset"]?.stringValue
    guard parts.count == list.count, Set(parts.map(\.part)).count == parts.count,
      !suffixes.isEmpty
    else { return nil }
  }
}
