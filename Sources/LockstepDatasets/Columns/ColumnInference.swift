import LockstepFiles

/// What a column holds, by the cells of the training part.
enum ColumnInference: Sendable, Equatable {
  case kind(ColumnKind)
  /// Texts that are no categories: so many different ones.
  case text(distinct: Int)
  /// No values at all.
  case empty

  /// Numbers where all cells are numbers. Words for yes and no are booleans, dates are dates. Names that
  /// come again are categories, where there are not too many. All else is text.
  ///
  /// - Throws: `FileError` for a column of numbers with a few texts among them.
  init(_ cells: ColumnRows, _ rule: ColumnRule) throws(FileError) {
    if let kind = rule.kind {
      self = .kind(kind)
      return
    }
    guard !cells.table.isNumber(cells.column) else {
      var hasValue = false
      try cells.forEachBlock { cells, rows in
        guard !hasValue, let numbers = cells.numbers else { return }
        hasValue = rows.contains { !numbers[$0].isNaN }
      }
      self = hasValue ? .kind(.number) : .empty
      return
    }
    let found = try cells.distinct()
    let point = cells.table.point
    let numbers = found.texts.map { CellText.number($0, point: point) != nil }
    if found.texts.isEmpty {
      self = .empty
    } else if !numbers.contains(false) {
      self = .kind(.number)
    } else if found.texts.allSatisfy(BooleanEncoding.isWord) {
      self = .kind(.boolean)
    } else if found.texts.allSatisfy({ CalendarDate.Spelling($0) != nil }) {
      self = .kind(.date)
    } else {
      let numeric = zip(numbers, found.counts).filter(\.0).map(\.1).reduce(0, +)
      // Most cells are numbers: the others are faults, and no names.
      if 2 * numeric > found.count, let place = numbers.firstIndex(of: false) {
        throw cells.fault(
          found.rows[place],
          CSVTable.noNumber(
            found.texts[place], point: point,
            "; \(numeric) of \(counted(found.count, "cell")) of the column are numbers"
              + NumberEncoding.remedy))
      }
      try Self.checkLooks(cells, found, numbers)
      let most = rule.maxLevels ?? ColumnRule.usualMaxLevels
      let areNames = found.texts.count <= most && found.count >= 2 * found.texts.count
      self =
        areNames || rule.minCount != nil ? .kind(.category) : .text(distinct: found.texts.count)
    }
  }

  /// Makes sure that most cells do not look like numbers or dates that are written in another way: as categories
  /// they would lose their order without a word.
  private static func checkLooks(
    _ cells: ColumnRows, _ found: ColumnCells.Distinct, _ numbers: [Bool]
  ) throws(FileError) {
    let areDates = found.texts.map { CalendarDate.Spelling($0) != nil }
    let looks = found.texts.map { CellLook($0) }
    func share(_ isOne: (Int) -> Bool) -> Int {
      found.texts.indices.filter(isOne).map { found.counts[$0] }.reduce(0, +)
    }
    if 2 * share({ areDates[$0] || looks[$0] == .date }) > found.count,
      let place = areDates.firstIndex(of: false)
    {
      throw cells.fault(
        found.rows[place],
        "\(found.texts[place].shortened(to: 40).quoted) is no date that is understood, and most cells of the "
          + "column are dates: write it like 2024-01-31 or 2024-01-31 18:30; or set \"category\" for the column in "
          + "'data.columns', or name it in 'data.ignore'")
    }
    if 2 * share({ looks[$0] == .number }) > found.count,
      let place = looks.indices.first(where: { looks[$0] == .number && !numbers[$0] })
    {
      throw cells.fault(
        found.rows[place],
        "\(found.texts[place].shortened(to: 40).quoted) looks like a number in another notation, and so do most "
          + "cells of the column: set 'data.decimal' (and 'data.delimiter') to what the file has, or write numbers "
          + "like 1500.25; or set \"category\" for the column in 'data.columns', or name it in 'data.ignore'"
      )
    }
  }
}

extension ColumnEncoding {
  /// Fits what the cells of a feature become.
  ///
  /// - Throws: `FileError` that names line and column.
  init(
    _ cells: ColumnRows, _ kind: ColumnKind, _ rule: ColumnRule, standardize: Bool
  ) throws(FileError) {
    switch kind {
    case .number, .id, .ignore:
      self = .number(try NumberEncoding(cells, rule, standardize: standardize))
    case .category: self = .category(try CategoryEncoding(cells, rule))
    case .boolean: self = .boolean(try BooleanEncoding(cells, rule))
    case .date: self = .date(try DateEncoding(cells, rule, standardize: standardize))
    }
  }
}
