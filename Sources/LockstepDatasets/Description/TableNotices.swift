import LockstepFiles

/// What a user should know of a table, a sentence each.
extension TableContent {
  /// A notice where a feature counts the rows, as an index does that another program wrote.
  func counterNotice(_ column: Int) throws(FileError) -> String? {
    let name = table.header.columns[column]
    let isUnnamed = name.isEmpty || name.hasPrefix("Unnamed:")
    guard count >= (isUnnamed ? 2 : 20), table.isNumber(column) else { return nil }
    var (first, isCounter): (Double?, Bool) = (nil, true)
    try ColumnRows(table, column, rows: nil).forEachBlock { cells, rows in
      guard isCounter, let numbers = cells.numbers else { return }
      let start = first ?? numbers[0]
      first = start
      isCounter =
        (start == 0 || start == 1)
        && rows.allSatisfy { numbers[$0] == start + Double(cells.table.firstRow + $0) }
    }
    guard isCounter else { return nil }
    return
      "\(table.path): the column \(name.quoted) counts the rows and is a feature; if it means nothing, "
      + "name it in 'data.ignore'"
  }

  /// Notices where options name columns that are no features anyway, and where a class may be none.
  func targetNotices(_ options: TableOptions) throws(FileError) -> [String] {
    let targets = options.targets.map(CellText.trimmed)
    let target = targets.first ?? ""
    let id = options.id.map(CellText.trimmed)
    let ignored = options.ignoring.map(CellText.trimmed)
    var reasons: [String] = []
    if let id, targets.contains(id) {
      reasons.append("'data.id' names \(id.quoted), which is the target")
    }
    for target in targets where ignored.contains(target) {
      reasons.append("'data.ignore' has no effect on \(target.quoted), which is the target")
    }
    if let id, !targets.contains(id), ignored.contains(id) {
      reasons.append(
        "'data.ignore' has no effect on \(id.quoted), which 'data.id' keeps from the features")
    }
    if options.kind == .classes, options.classes == nil,
      let text = try self.target.names(nil).texts.first(where: {
        $0.utf8.count == 4 && $0.lowercased() == "none"
      })
    {
      reasons.append(
        "\(text.quoted) is a class of the target \(target.quoted); where it stands for a missing value, "
          + "remove the line")
    }
    return reasons.map { "\(table.path): \($0)" }
  }

  /// The most numbers of a column that are looked at; of more they are evenly spaced.
  private static let mostRounded = 1 << 22

  package func roundingNotices(as description: DataDescription) -> [String] {
    var notices: [String] = []
    if case .columns(let input) = description.input {
      var merged: [(name: String, numbers: MergedNumbers)] = []
      for column in input.columns {
        guard case .number(let encoding) = column.encoding,
          let place = table.header.find(column.name)
        else { continue }
        let known = someNumbers(place)
        let numbers = MergedNumbers(
          count: known.count, mean: encoding.mean, deviation: encoding.deviation,
          value: { known[$0] })
        if let numbers { merged.append((column.name, numbers)) }
      }
      if let (name, numbers) = merged.first {
        let isScaled = input.columns.contains { $0.number.mean != 0 || $0.number.deviation != 1 }
        notices.append(
          "\(table.path): the column \(name.quoted) holds \(numbers), which are one number in Float32, as "
            + "features are kept"
            + (isScaled
              ? ", standardised or not: rescale the column, or take outliers out"
              : ": set 'data.standardize' to true, or subtract an offset from the column")
            + (merged.count == 1
              ? "" : "; \(counted(merged.count - 1, "more column")) of this kind"))
      }
    }
    if target.kind != .classes, description.target.scale == nil {
      for column in target.columns {
        let known = someNumbers(column)
        guard let numbers = MergedNumbers(count: known.count, value: { known[$0] }) else {
          continue
        }
        notices.append(
          "\(table.path): the target \(table.header.columns[column].quoted) holds \(numbers), which are one "
            + "number in Float32, as targets are kept: subtract an offset from the column")
      }
    }
    return notices
  }

  /// The numbers of a column, or some of them; texts among them are passed over.
  private func someNumbers(_ column: Int) -> [Double] {
    let step = max((count + Self.mostRounded - 1) / Self.mostRounded, 1)
    var known: [Double] = []
    try? ColumnRows(table, column, rows: nil).forEachBlock { cells, rows in
      let first = cells.table.firstRow
      let numbers = cells.numbers
      for row in rows where (first + row).isMultiple(of: step) {
        let value =
          numbers.map { $0[row] } ?? (try? cells.table.number(row: row, column: column)) ?? .nan
        if !value.isNaN { known.append(value) }
      }
    }
    return known
  }
}
