import LockstepFiles

/// What a user should know of a table, a sentence each.
extension TableContent {
  /// A notice where a feature counts the rows, as an index does that another program wrote.
  func counterNotice(_ column: Int) -> String? {
    let name = table.columns[column]
    let isUnnamed = name.isEmpty || name.hasPrefix("Unnamed:")
    guard count >= (isUnnamed ? 2 : 20), table.cells.isNumber(column) else { return nil }
    func number(_ row: Int) -> Double? { (try? table.number(row: row, column: column)) ?? nil }
    guard let first = number(0), first == 0 || first == 1 else { return nil }
    for row in 0..<count where number(row) != first + Double(row) { return nil }
    return
      "\(table.path): the column \(name.quoted) counts the rows and is a feature; if it means nothing, "
      + "name it in 'data.ignore'"
  }

  /// Notices where options name columns that are no features anyway, and where a class may be none.
  func targetNotices(_ options: TableOptions) -> [String] {
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
    if case .classes(let texts) = self.target.values, options.classes == nil,
      let text = texts.first(where: { $0.utf8.count == 4 && $0.lowercased() == "none" })
    {
      reasons.append(
        "\(text.quoted) is a class of the target \(target.quoted); where it stands for a missing value, "
          + "remove the line")
    }
    return reasons.map { "\(table.path): \($0)" }
  }

  package func roundingNotices(as description: DataDescription) -> [String] {
    var notices: [String] = []
    if case .columns(let input) = description.input {
      var merged: [(name: String, numbers: MergedNumbers)] = []
      for column in input.columns {
        guard case .number(let encoding) = column.encoding, let place = table.find(column.name)
        else { continue }
        let cells = ColumnCells(table: table, column: place)
        let known =
          if let numbers = cells.numbers {
            (0..<count).compactMap { numbers[$0].isNaN ? nil : numbers[$0] }
          } else {
            (0..<count).compactMap { (try? table.number(row: $0, column: place)) ?? nil }
          }
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
    if case .values(let all) = target.values, description.target.scale == nil {
      for (column, values) in zip(targetColumns, all) {
        let known = values.filter { !$0.isNaN }
        guard let numbers = MergedNumbers(count: known.count, value: { known[$0] }) else {
          continue
        }
        notices.append(
          "\(table.path): the target \(table.columns[column].quoted) holds \(numbers), which are one "
            + "number in Float32, as targets are kept: subtract an offset from the column")
      }
    }
    return notices
  }
}
