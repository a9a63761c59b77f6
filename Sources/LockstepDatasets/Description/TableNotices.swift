import LockstepFiles

/// What a user should know of a table, a sentence each.
extension TableContent {
  /// A notice where a feature counts the rows, as an index does that another program wrote.
  func counterNotice(_ column: Int) -> String? {
    let name = table.columns[column]
    let isUnnamed = name.isEmpty || name.hasPrefix("Unnamed:")
    guard count >= (isUnnamed ? 2 : 20), let place = columns.firstIndex(of: column) else {
      return nil
    }
    let first = features[place]
    guard first == 0 || first == 1 else { return nil }
    for row in 0..<count where features[row * columns.count + place] != first + Double(row) {
      return nil
    }
    return
      "\(table.path): the column \(name.quoted) counts the rows and is a feature; if it means nothing, "
      + "name it in 'data.ignore'"
  }

  /// Notices where options name columns that are no features anyway, and where a class may be none.
  func targetNotices(_ options: TableOptions) -> [String] {
    let target = CellText.trimmed(options.target)
    let id = options.id.map(CellText.trimmed)
    let ignored = options.ignoring.map(CellText.trimmed)
    var reasons: [String] = []
    if id == target { reasons.append("'data.id' names \(target.quoted), which is the target") }
    if ignored.contains(target) {
      reasons.append("'data.ignore' has no effect on \(target.quoted), which is the target")
    }
    if let id, id != target, ignored.contains(id) {
      reasons.append(
        "'data.ignore' has no effect on \(id.quoted), which 'data.id' keeps from the features")
    }
    if case .classes(let texts) = self.target, options.classes == nil,
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
    if case .columns(let input) = description.input, input.columns.count == columns.count {
      let width = columns.count
      var merged: [(name: String, numbers: MergedNumbers)] = []
      for (place, column) in input.columns.enumerated() {
        let numbers = MergedNumbers(
          count: count, mean: column.mean, deviation: column.deviation,
          value: { features[$0 * width + place] })
        if let numbers { merged.append((column.name, numbers)) }
      }
      if let (name, numbers) = merged.first {
        let isScaled = input.columns.contains { $0.mean != 0 || $0.deviation != 1 }
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
    if case .values(let values) = target, let targetColumn {
      let known = values.filter { !$0.isNaN }
      if let numbers = MergedNumbers(count: known.count, value: { known[$0] }) {
        notices.append(
          "\(table.path): the target \(table.columns[targetColumn].quoted) holds \(numbers), which are one "
            + "number in Float32, as targets are kept: subtract an offset from the column")
      }
    }
    return notices
  }
}
