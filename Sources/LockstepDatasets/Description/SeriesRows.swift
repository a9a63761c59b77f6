import LockstepFiles

// Tables with a row a series, whose steps are columns.

extension SeriesContent {
  /// The name of the one feature of a step.
  static let valueName = "value"

  /// Reads the series of a table whose rows are series. Empty cells at the end of a row are behind the
  /// series' end.
  ///
  /// - Parameters:
  ///   - description: what training learned; nil where it is to be learned from this table.
  ///   - isTargetOptional: whether rows may lack the target, or all of them its column.
  /// - Throws: `FileError` that names line and column.
  init(
    rows table: CSVTable, name: String?, _ options: SeriesOptions,
    as description: SeriesDescription? = nil, isTargetOptional: Bool = false
  ) throws {
    let target: Int? =
      if isTargetOptional {
        options.target.flatMap { table.find($0) }
      } else {
        try options.target.map { name throws(FileError) in try table.column(name) }
      }
    let id: Int? =
      if description != nil {
        options.series.flatMap { table.find($0) }
      } else {
        try options.series.map { name throws(FileError) in try table.column(name) }
      }
    var others = Set([target, id].compactMap { $0 })
    for name in options.ignoring {
      if description != nil {
        if let column = table.find(name) { others.insert(column) }
      } else {
        others.insert(try table.column(name))
      }
    }
    let columns = table.columns.indices.filter { !others.contains($0) }
    try Self.check(columns, table, description)
    guard table.rowCount > 0 else { throw DatasetError(name ?? table.path, "has no rows") }
    let fill = description?.table.columns.first?.number.fill ?? options.fill
    var (values, starts): ([Double], [Int]) = ([], [0])
    var cells: (row: [Int], column: [Int]) = ([], [])
    for row in 0..<table.rowCount {
      if row & 0xfff == 0 { try ReadingStop.check(table.path) }
      values += try Self.series(row, columns, table, fill)
      let length = values.count - starts[row]
      starts.append(values.count)
      cells.row += Array(repeating: row, count: length)
      cells.column += columns.prefix(length)
    }
    self.init(
      name: name ?? table.path, notices: [], table: table, options: options,
      features: [Self.valueName], values: values, starts: starts, cells: cells, columns: columns,
      target: try SeriesTarget(
        table, options.kind, target, isOptional: isTargetOptional,
        isTraining: description == nil),
      targetColumn: target,
      ids: id.map { id in
        (0..<table.rowCount).map { table.trimmed(row: $0, column: id) }
      }, interval: nil)
  }

  /// Makes sure that there are columns of steps, and that they begin as those of training do.
  private static func check(
    _ columns: [Int], _ table: CSVTable, _ description: SeriesDescription?
  ) throws(FileError) {
    func refuse(_ reason: String) -> FileError {
      FileError(path: table.path, kind: .mismatch, reason: reason)
    }
    guard !columns.isEmpty else {
      throw refuse(
        "has no columns of steps beside those that 'data' names" + table.header.delimiterHint)
    }
    for (column, known) in zip(columns, description?.steps ?? [])
    where table.columns[column] != known {
      throw refuse(
        "has the column \(table.columns[column].quoted) where the step \(known.quoted) is expected: steps "
          + "are all columns but the target, the id and ignored ones, in the order of training")
    }
  }

  /// The values of a row up to its last filled cell.
  private static func series(
    _ row: Int, _ columns: [Int], _ table: CSVTable, _ fill: Double?
  ) throws(FileError) -> [Double] {
    var values: [Double?] = []
    for column in columns {
      let value = try table.number(row: row, column: column, remedy: "; steps are numbers")
      if let value, !Float(value).isFinite {
        throw table.fault(
          row: row, column: column, "\(value) is out of the range of Float32")
      }
      values.append(value)
    }
    guard let last = values.lastIndex(where: { $0 != nil }) else {
      throw table.fault(
        row: row, column: columns[0],
        "the series has no steps: a series has one at least; remove the line")
    }
    var result: [Double] = []
    for (place, value) in values[...last].enumerated() {
      guard let value = value ?? fill else {
        throw table.fault(
          row: row, column: columns[place],
          "the value is missing, and the series goes on behind it: fill it in, or set 'data.fillMissing' "
            + "to a number; only cells at the end of a row may be empty")
      }
      result.append(value)
    }
    return result
  }
}
