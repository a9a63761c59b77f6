import LockstepFiles

extension TableContent {
  package func cells(in column: String) throws -> [String] {
    let place = try table.column(column)
    var cells: [String] = []
    for row in 0..<table.rowCount {
      let cell = table.trimmed(row: row, column: place)
      if CellText.isMissing(cell) {
        throw table.fault(
          row: row, column: place, "the value is missing, and the test part is cut by this column")
      }
      cells.append(cell)
    }
    return cells
  }
}
