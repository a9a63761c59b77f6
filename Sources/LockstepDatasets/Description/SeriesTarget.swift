import LockstepFiles

/// The targets of series, or of their steps, before anything is fitted.
enum SeriesTarget: Sendable {
  case none
  /// Trimmed texts; empty where the label is missing.
  case classes([String])
  /// Numbers; NaN where the label is missing.
  case values([Double])

  /// The targets of a table's rows.
  init(
    _ table: CSVTable, _ kind: TargetKind, _ column: Int?, isOptional: Bool, isTraining: Bool
  ) throws(FileError) {
    let target = TableTarget(
      table: table, columns: column.map { [$0] } ?? [], kind: kind, isOptional: isOptional,
      remedy: isTraining ? TableTarget.trainingRemedy : TableTarget.laterRemedy)
    try target.check()
    guard let column else {
      self = .none
      return
    }
    if kind == .classes {
      let text = ColumnCells(table: table, column: column).mapped {
        CellText.isMissing($0) ? "" : $0
      }
      self = .classes((0..<table.rowCount).map(text))
    } else {
      var values: [Double] = []
      try target.forEachNumber(column, nil) { values.append($0) }
      self = .values(values)
    }
  }
}
