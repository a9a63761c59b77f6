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
  init(_ cells: ColumnRows, _ rule: ColumnRule, standardize: Bool) throws(FileError) {
    var search = DateOrderSearch()
    var firstMissing: Int?
    try cells.forEachBlock { block, rows in
      let (found, first) = (block.distinct(rows), block.table.firstRow)
      for (text, row) in zip(found.texts, found.rows) { search.take(text, row: first + row) }
      firstMissing = firstMissing ?? found.firstMissing.map { first + $0 }
    }
    let order: DateOrder? =
      if let given = rule.dateOrder {
        given
      } else {
        try search.order(
          place: { "line \(cells.table.places.line(ofRow: $0))" }, of: " of the training part",
          remedy: "set 'format' of the column in 'data.columns' to 'dmy' or 'mdy'",
          fault: cells.fault)
      }
    self.order = order
    let policy = rule.missing ?? .refuse
    if policy == .refuse, let firstMissing {
      throw cells.fault(
        firstMissing,
        "the date is missing: fill it in, remove the line, or set 'missing' of the column in "
          + "'data.columns' to 'mean' or 'median'")
    }
    let times = try Self.checkDates(cells, order)
    offset = times.offset
    let wanted = rule.parts ?? DatePart.usual.filter { times.areThere || $0 != .hour }
    parts = try PartFit(cells, order, wanted).parts(
      policy, keepsConstant: rule.parts != nil, standardize: standardize)
    hasIndicator = rule.hasIndicator == true && firstMissing != nil
    guard !suffixes.isEmpty else {
      throw FileError(
        path: cells.path, kind: .mismatch,
        reason:
          "the column \(cells.name.quoted) has the same date in all rows of the training part: leave "
          + "it out with 'data.ignore'")
    }
  }

  /// Makes sure that all texts are dates, and their times of one offset from UTC.
  ///
  /// - Returns: whether there are times, and their offset.
  private static func checkDates(
    _ cells: ColumnRows, _ order: DateOrder?
  ) throws(FileError) -> (areThere: Bool, offset: String?) {
    var (hasDates, hasTimes, offset): (Bool, Bool, String?) = (false, false, nil)
    var other: FileError?
    try cells.forEachText { text, row throws(FileError) in
      guard let date = date(text, order) else {
        throw fault(text, order) { cells.fault(row, $0) }
      }
      hasDates = true
      hasTimes = hasTimes || date.seconds != nil
      guard CalendarDate.hasTime(text) else { return }
      let own = CalendarDate.offset(text)
      if other == nil, offset ?? own != own {
        other = cells.fault(
          row,
          "\(text.quoted) has another offset from UTC than other times of the column: write all by one "
            + "clock, or leave the column out with 'data.ignore'")
      }
      offset = offset ?? own
    }
    guard hasDates else {
      throw FileError(
        path: cells.path, kind: .mismatch,
        reason:
          "the column \(cells.name.quoted) has no dates in the training part: leave it out with "
          + "'data.ignore'")
    }
    if let other { throw other }
    return (hasTimes, offset)
  }

  /// Fits what stands for missing dates, and the means and deviations of the parts.
  private struct PartFit {
    let cells: ColumnRows
    let order: DateOrder?
    let wanted: [DatePart]

    init(_ cells: ColumnRows, _ order: DateOrder?, _ wanted: [DatePart]) {
      self.cells = cells
      self.order = order
      self.wanted = wanted
    }

    /// Hands the parts of each row's date to `body`, NaN where it is missing.
    private func forEach(_ body: ([Double]) -> Void) throws(FileError) {
      var values = [Double](repeating: 0, count: wanted.count)
      try cells.forEachBlock { cells, rows in
        let date = cells.mapped { DateEncoding.date($0, order) }
        for row in rows {
          let date = date(row)
          for place in wanted.indices { values[place] = date?.value(wanted[place]) ?? .nan }
          body(values)
        }
      }
    }

    func parts(
      _ policy: MissingValues, keepsConstant: Bool, standardize: Bool
    ) throws(FileError) -> [Part] {
      let none = [Double](repeating: 0, count: wanted.count)
      var (count, sums, first) = (0, none, [Double]())
      var isConstant = [Bool](repeating: true, count: wanted.count)
      try forEach { values in
        guard let any = values.first, !any.isNaN else { return }
        count += 1
        if first.isEmpty { first = values }
        for place in values.indices {
          sums[place] += values[place]
          if values[place] != first[place] { isConstant[place] = false }
        }
      }
      var fills: [Double?] = []
      for (place, sum) in sums.enumerated() {
        fills.append(
          try policy.fill(count: count, sum: sum) { body throws(FileError) in
            try forEach { if !$0[place].isNaN { body($0[place]) } }
          })
      }
      // What is the same all the time tells nothing, unless somebody asked for it.
      let kept = wanted.indices.filter { keepsConstant || !isConstant[$0] }
      let scales = standardize ? try scales(fills.map { $0 ?? 0 }) : none.map { _ in Scale() }
      return kept.map { Part(part: wanted[$0], fill: fills[$0], scale: scales[$0]) }
    }

    /// The means and the deviations, missing dates filled in.
    private func scales(_ fills: [Double]) throws(FileError) -> [Scale] {
      let count = Double(cells.count)
      var means = fills.map { _ in 0.0 }
      try forEach { values in
        for place in values.indices {
          means[place] += values[place].isNaN ? fills[place] : values[place]
        }
      }
      for place in means.indices { means[place] /= count }
      var squares = fills.map { _ in 0.0 }
      try forEach { values in
        for place in values.indices {
          let value = values[place].isNaN ? fills[place] : values[place]
          squares[place] += (value - means[place]) * (value - means[place])
        }
      }
      return zip(means, squares).map { mean, squares in
        Scale(
          mean: mean,
          deviation: Standardizer.deviation(
            variance: squares / count, mean: mean, count: count))
      }
    }
  }

  /// The date that a text is; nil for any other text.
  fileprivate static func date(_ text: String, _ order: DateOrder?) -> CalendarDate? {
    if case .date(let date)? = CalendarDate.read(text, order: order) { date } else { nil }
  }

  /// What is wrong with a text that is no date.
  ///
  /// - Parameter fault: makes an error about the text's cell.
  private static func fault(
    _ text: String, _ order: DateOrder?, _ fault: (String) -> FileError
  ) -> FileError {
    let isAmbiguous = CalendarDate.read(text, order: order) == .ambiguous
    return fault(
      isAmbiguous
        ? "'\(text)' may have the day or the month first, which the training part did not show: write it as "
          + "2024-01-31"
        : "expected a date like 2024-01-31 or 2024-01-31 18:30\(order.map { ", or in the order \($0.rawValue)" } ?? ""), "
          + "found \(text.shortened(to: 40).quoted)")
  }

  var suffixes: [String] {
    parts.map { ".\($0.part.rawValue)" } + (hasIndicator ? [Self.missingSuffix] : [])
  }

  func notices(_ cells: ColumnRows) throws(FileError) -> [String] {
    guard let offset else { return [] }
    var other: String?
    try cells.forEachText { text, _ in
      if other == nil, CalendarDate.hasTime(text), CalendarDate.offset(text) != offset {
        other = text
      }
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
      guard date != nil || isMissing else {
        throw DateEncoding.fault(cells.text(row), coding.order) { cells.fault(row, $0) }
      }
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
