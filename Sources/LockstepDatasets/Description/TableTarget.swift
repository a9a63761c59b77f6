import LockstepFiles

/// The targets of a table's rows, before anything is fitted.
struct TableTarget: Sendable {
  let table: any TableBlocks
  /// The targets' columns; none where they are missing, as they may be.
  let columns: [Int]
  let kind: TargetKind
  /// Whether rows may lack the target.
  let isOptional: Bool
  /// What to do about a text where a number is expected.
  let remedy: String

  static let trainingRemedy = "; names of classes need 'data.targetKind' to be 'classes'"
  static let laterRemedy = "; the run was trained on numbers in this column"

  /// Makes sure that all rows have targets, as far as they must, of the right kind.
  func check() throws(FileError) {
    for column in columns.prefix(kind == .classes ? 1 : .max) {
      try ColumnRows(table, column, rows: nil).forEachBlock { cells, rows throws(FileError) in
        if kind == .classes {
          let isMissing = cells.mapped(CellText.isMissing)
          if !isOptional, let row = rows.first(where: isMissing) { throw missing(cells, row) }
        } else {
          for row in rows { _ = try number(cells, row) }
        }
      }
    }
  }

  /// A number, or 1 or 0 of a label; NaN where it is missing, as it may be.
  private func number(_ cells: ColumnCells, _ row: Int) throws(FileError) -> Double {
    let value = try kind == .labels ? label(cells, row) : cells.number(row, remedy: remedy)
    if value == nil, !isOptional { throw missing(cells, row) }
    return value ?? .nan
  }

  /// 1 or 0; nil where the label is missing.
  private func label(_ cells: ColumnCells, _ row: Int) throws(FileError) -> Double? {
    let text = cells.text(row)
    if CellText.isMissing(text) { return nil }
    guard let value = BooleanEncoding.value(text) else {
      throw cells.fault(
        row,
        "expected a label: \(BooleanEncoding.expectation); found \(text.shortened(to: 40).quoted)")
    }
    return value ? 1 : 0
  }

  private func missing(_ cells: ColumnCells, _ row: Int) -> FileError {
    let text = cells.text(row)
    return cells.fault(
      row, "the target is missing" + (text.isEmpty ? "" : " ('\(text)' stands for a missing value)")
    )
  }

  /// Hands the numbers of each row to `body`, one a column.
  private func forEachNumbers(_ body: ([Double]) -> Void) throws(FileError) {
    var values = [Double](repeating: 0, count: columns.count)
    try table.forEachBlock(of: columns) { block throws(FileError) in
      let cells = columns.map { ColumnCells(table: block, column: $0) }
      for row in 0..<block.rowCount {
        try ReadingStop.check(block, row)
        for place in cells.indices { values[place] = try number(cells[place], row) }
        body(values)
      }
    }
  }

  /// The numbers of a column in some rows.
  func forEachNumber(
    _ column: Int, _ rows: [Int]?, _ body: (Double) -> Void
  ) throws(FileError) {
    try ColumnRows(table, column, rows: rows).forEachBlock { cells, rows throws(FileError) in
      for row in rows { body(try number(cells, row)) }
    }
  }

  /// The distinct names of classes in some rows.
  func names(_ rows: [Int]?) throws(FileError) -> ColumnCells.Distinct {
    guard let column = columns.first else { return .init() }
    let found = try ColumnRows(table, column, rows: rows).distinct()
    guard !found.isCut else {
      throw FileError(
        path: table.path, kind: .mismatch,
        reason:
          "the target \(table.header.columns[column].quoted) has more than \(ColumnRows.mostTexts) classes: "
          + "is it an identifier, or a number to predict ('data.targetKind' is 'values')?")
    }
    return found
  }

  // MARK: Fitting

  func strata(_ classes: ClassNames?) throws -> [Int] {
    guard let first = columns.first else { return [Int](repeating: 0, count: table.rowCount) }
    var values: [Double] = []
    values.reserveCapacity(kind == .classes ? 0 : table.rowCount)
    switch kind {
    // Several labels are a stratum for each combination, as far as there are not too many.
    case .labels where columns.count > 1:
      try forEachNumbers { row in values.append(row.prefix(52).reduce(0) { 2 * $0 + $1 }) }
    case .labels, .values:
      try forEachNumber(first, nil) { values.append(Double(Float($0))) }
    case .classes:
      let names = try classes ?? self.classes(names(nil))
      var strata: [Int] = []
      strata.reserveCapacity(table.rowCount)
      try ColumnRows(table, first, rows: nil).forEachBlock { cells, rows throws(FileError) in
        try forEachClass(cells, rows, names) { strata.append(Int($0 ?? 0)) }
      }
      return strata
    }
    return Dataset.strata(values)
  }

  func describe(
    _ rows: [Int]?, _ classes: ClassNames?, standardizes: Bool
  ) throws -> TargetDescription {
    let names = columns.map { table.header.columns[$0] }
    guard !columns.isEmpty else {
      return TargetDescription(columns: names, kind: .values(width: 1))
    }
    if kind == .classes {
      if let classes { return TargetDescription(columns: names, kind: .classes(classes)) }
      let found = try self.names(rows)
      let numbered = try self.classes(found)
      try checkLooks(found)
      return TargetDescription(columns: names, kind: .classes(numbered))
    }
    var target = TargetDescription(columns: names, kind: .values(width: columns.count))
    target.areLabels = kind == .labels
    if standardizes, kind == .values {
      var scales: [Scale] = []
      let count = RowSelection(rows, of: table).count
      for column in columns {
        scales.append(
          try Scale(count: count) { body throws(FileError) in
            try forEachNumber(column, rows, body)
          })
      }
      target.scale = .init(mean: scales.map(\.mean), deviation: scales.map(\.deviation))
    }
    return target
  }

  /// Makes sure that classes are no numbers in another notation.
  private func checkLooks(_ found: ColumnCells.Distinct) throws(FileError) {
    let odd = found.texts.indices.filter {
      CellText.number(found.texts[$0]) == nil && CellLook(found.texts[$0]) == .number
    }
    guard let place = odd.first, 2 * odd.reduce(0, { $0 + found.counts[$1] }) > found.count else {
      return
    }
    throw table.fault(
      row: found.rows[place], column: columns[0],
      "\(found.texts[place].shortened(to: 40).quoted) looks like a number in another notation, and so do most targets: set "
        + "'data.decimal' (and 'data.delimiter') to what the file has, and 'data.targetKind' to 'values'; where these "
        + "are names of classes, list them in 'data.classes'")
  }

  private func classes(_ found: ColumnCells.Distinct) throws(FileError) -> ClassNames {
    try ClassNames(numbering: found.texts) { place, reason in
      table.fault(row: found.rows[place], column: columns[0], reason)
    }
  }

  private func number(
    _ names: ClassNames, _ text: String, _ cells: ColumnCells, _ row: Int
  ) throws(FileError) -> Int32 {
    do throws(UnknownClass) { return try names.number(of: text) } catch {
      // Numbers with gaps are quantities more often than classes.
      let hint =
        names.absent.isEmpty || CellText.number(text) == nil
        ? "" : "; numbers that are no classes need 'data.targetKind' to be 'values'"
      throw cells.fault(row, error.reason + hint)
    }
  }

  /// Hands the class of each row to `body`; nil where it is missing.
  private func forEachClass(
    _ cells: ColumnCells, _ rows: [Int], _ names: ClassNames, _ body: (Int32?) -> Void
  ) throws(FileError) {
    // −1 where it is missing, −2 where it is unknown.
    let classes = cells.mapped { text -> Int32 in
      if CellText.isMissing(text) { return -1 }
      return (try? names.number(of: text)) ?? -2
    }
    for row in rows {
      let found = classes(row)
      body(
        found >= 0
          ? found : found == -1 ? nil : try number(names, cells.text(row), cells, row))
    }
  }

  // MARK: Applying

  /// The labels of some rows of a block, and whether each has one; nil where all have.
  func labels(
    _ block: CSVTable, _ rows: [Int], _ description: TargetDescription
  ) throws(FileError) -> (values: Dataset.Labels, isLabelled: [Bool]?) {
    let cells = columns.map { ColumnCells(table: block, column: $0) }
    switch description.kind {
    case .classes(let names) where kind == .classes && !cells.isEmpty:
      var (classes, known): ([Int32], [Bool]) = ([], [])
      classes.reserveCapacity(rows.count)
      known.reserveCapacity(rows.count)
      try forEachClass(cells[0], rows, names) { number in
        classes.append(number ?? 0)
        known.append(number != nil)
      }
      return (.classes(classes, count: names.count), known.contains(false) ? known : nil)
    case .values(let width) where kind != .classes && cells.count == width:
      var targets = [Float](repeating: 0, count: rows.count * width)
      var known = [Bool](repeating: true, count: rows.count)
      var values = [Double](repeating: 0, count: width)
      for (place, row) in rows.enumerated() {
        for column in 0..<width { values[column] = try number(cells[column], row) }
        known[place] = !values.contains { $0.isNaN }
        guard known[place] else { continue }
        for column in 0..<width {
          var value = values[column]
          if let scale = description.scale {
            let own = column % scale.mean.count
            value = (value - scale.mean[own]) / scale.deviation[own]
          }
          targets[place * width + column] = Float(value)
        }
      }
      return (.targets(targets, width: width), known.contains(false) ? known : nil)
    default:
      return (
        .unknown(description.kind, count: rows.count), [Bool](repeating: false, count: rows.count)
      )
    }
  }
}

extension Dataset.Labels {
  /// Labels in the place of ones that nobody knows.
  static func unknown(_ kind: TargetDescription.Kind, count: Int) -> Self {
    switch kind {
    case .classes(let names):
      .classes([Int32](repeating: 0, count: count), count: names.count)
    case .values(let width):
      .targets([Float](repeating: 0, count: count * width), width: width)
    }
  }

  /// The hash of all labels.
  var fingerprint: Fingerprint {
    switch self {
    case .classes(let classes, _): Fingerprint(of: classes)
    case .targets(let values, _): Fingerprint(of: values)
    }
  }

  /// The hash of the labels of a run of examples.
  func fingerprint(_ run: Range<Int>) -> Fingerprint {
    switch self {
    case .classes(let classes, _): Fingerprint(of: Array(classes[run]))
    case .targets(let values, let width):
      Fingerprint(of: Array(values[run.lowerBound * width..<run.upperBound * width]))
    }
  }
}
