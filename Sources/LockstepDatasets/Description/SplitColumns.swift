import LockstepFiles

extension TableContent {
  package var decimalPoint: UInt8 { table.point }

  package func dateOrder(of column: String) -> DateOrder? { options.rule(column).dateOrder }

  package func cells(in column: String) throws -> [String] {
    let place = try table.header.column(column)
    var texts: [String] = []
    try ColumnRows(table, place, rows: nil).forEachBlock { cells, rows throws(FileError) in
      let text = cells.mapped { CellText.isMissing($0) ? "" : $0 }
      for row in rows {
        let text = text(row)
        if text.isEmpty {
          throw cells.fault(row, "the value is missing, and the test part is cut by this column")
        }
        texts.append(text)
      }
    }
    return texts
  }
}
