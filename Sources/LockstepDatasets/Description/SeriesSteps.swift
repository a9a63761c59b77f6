import LockstepFiles

// Tables with a row a step.

extension SeriesContent {
  /// Reads the series of a table whose rows are steps.
  ///
  /// - Parameters:
  ///   - description: what training learned; nil where it is to be learned from this table.
  ///   - isTargetOptional: whether rows may lack the target, or all of them its column.
  /// - Throws: `FileError` that names line and column.
  init(
    steps table: CSVTable, name: String?, _ options: SeriesOptions,
    as description: SeriesDescription? = nil, isTargetOptional: Bool = false
  ) throws {
    let columns = try Columns(table, options, description, isTargetOptional)
    let features = try Self.features(table, columns.features, options, description)
    let target = try SeriesTarget(
      table, options.kind, columns.target, isOptional: isTargetOptional,
      isTraining: description == nil)
    guard table.rowCount > 0 else { throw DatasetError(name ?? table.path, "has no rows") }
    let groups = try Self.groups(table, columns, options, description)
    let order = groups.series.flatMap(\.rows)
    let width = columns.features.count
    self.init(
      name: name ?? table.path, notices: columns.notices(table, options, description), table: table,
      options: options, features: columns.features.map { table.columns[$0] },
      values: order.flatMap { features[$0 * width..<($0 + 1) * width] },
      starts: groups.series.reduce(into: [0]) { $0.append($0[$0.count - 1] + $1.rows.count) },
      cells: (order, []), columns: columns.features,
      target: try Self.target(target, groups.series, order, table, columns, options),
      targetColumn: columns.target,
      ids: columns.series == nil ? nil : groups.series.map(\.id), interval: groups.interval)
  }

  /// The numbers of the features, row by row, missing ones filled in.
  private static func features(
    _ table: CSVTable, _ columns: [Int], _ options: SeriesOptions,
    _ description: SeriesDescription?
  ) throws(FileError) -> [Double] {
    let fills = description?.table.columns.map(\.number.fill)
    var features: [Double] = []
    features.reserveCapacity(table.rowCount * columns.count)
    let cells = columns.map { ColumnCells(table: table, column: $0) }
    for row in 0..<table.rowCount {
      try ReadingStop.check(table, row)
      for (place, cells) in cells.enumerated() {
        let found = try cells.number(
          row,
          remedy: description == nil
            ? "; features of series are numbers: write it as one, or name the column in 'data.ignore'"
            : NumberEncoding.laterRemedy)
        guard let value = found ?? (fills.map { $0[place] } ?? options.fill) else {
          throw cells.fault(
            row,
            description == nil
              ? "the value is missing: fill it in, remove the line, or set 'data.fillMissing' to a number"
              : NumberEncoding.laterMissing)
        }
        features.append(value)
      }
    }
    return features
  }

  /// The places of a table's columns.
  private struct Columns {
    let features: [Int]
    let target: Int?
    let series: Int?
    let time: Int?

    init(
      _ table: CSVTable, _ options: SeriesOptions, _ description: SeriesDescription?,
      _ isTargetOptional: Bool
    ) throws(FileError) {
      func find(_ name: String?) throws(FileError) -> Int? {
        guard let name else { return nil }
        return try table.column(name)
      }
      if let description {
        let names = description.table.columns.map(\.name)
        try table.header.check(
          names + [options.series, options.time].compactMap { $0 }
            + (isTargetOptional ? [] : [options.target].compactMap { $0 }))
        features = names.compactMap { table.find($0) }
        target = options.target.flatMap { table.find($0) }
      } else {
        target = try find(options.target)
        var others = Set([target, try find(options.series), try find(options.time)])
        for name in options.ignoring { others.insert(try table.column(name)) }
        features = table.columns.indices.filter { !others.contains($0) }
      }
      series = try find(options.series)
      time = try find(options.time)
      guard !features.isEmpty else {
        throw FileError(
          path: table.path, kind: .mismatch,
          reason: "has no feature columns beside those that 'data' names")
      }
    }

    /// What the user should know of columns that are left out.
    func notices(
      _ table: CSVTable, _ options: SeriesOptions, _ description: SeriesDescription?
    ) -> [String] {
      guard description != nil else { return [] }
      let known = Set(features + [target, series, time].compactMap { $0 })
      let extra = table.columns.enumerated().filter {
        !known.contains($0.offset) && !options.ignoring.contains($0.element)
      }.map(\.element)
      guard !extra.isEmpty else { return [] }
      return [
        "\(table.path): the run does not know the column\(extra.count == 1 ? "" : "s") "
          + "\(TableText.list(extra)) and leaves \(extra.count == 1 ? "it" : "them") out"
      ]
    }
  }

  // MARK: Grouping

  /// The rows of each series, in the order of their steps; series in the order of their first rows.
  private static func groups(
    _ table: CSVTable, _ columns: Columns, _ options: SeriesOptions,
    _ description: SeriesDescription?
  ) throws(FileError) -> (series: [(id: String, rows: [Int])], interval: Double?) {
    var series: [(id: String, rows: [Int])] = []
    var places: [String: Int] = [:]
    for row in 0..<table.rowCount {
      var id = ""
      if let column = columns.series {
        id = table.trimmed(row: row, column: column)
        if id.isEmpty {
          throw table.fault(row: row, column: column, "the name of the series is missing")
        }
      }
      if let place = places[id] {
        series[place].rows.append(row)
      } else {
        places[id] = series.count
        series.append((id, [row]))
      }
    }
    guard let column = columns.time else { return (series, nil) }
    let time = try SeriesTime(table, column: column)
    func name(_ place: Int) -> String? { columns.series == nil ? nil : series[place].id }
    for place in series.indices {
      series[place].rows = try time.ordered(series[place].rows, of: name(place))
    }
    guard !options.allowsGaps else { return (series, nil) }
    let interval = description?.interval ?? time.interval(of: series.map(\.rows))
    guard let interval else { return (series, nil) }
    for place in series.indices {
      try time.check(series[place].rows, of: name(place), interval: interval)
    }
    return (series, interval)
  }

  /// The targets of the steps in the series' order, or of the series, all of whose rows say the same.
  private static func target(
    _ target: SeriesTarget, _ series: [(id: String, rows: [Int])], _ order: [Int],
    _ table: CSVTable, _ columns: Columns, _ options: SeriesOptions
  ) throws(FileError) -> SeriesTarget {
    func one<Value: Equatable>(
      _ values: [Value], _ isSame: (Value, Value) -> Bool
    ) throws(FileError) -> [Value] {
      if options.perStep { return order.map { values[$0] } }
      var result: [Value] = []
      for (id, rows) in series {
        for row in rows where !isSame(values[row], values[rows[0]]) {
          throw table.fault(
            row: row, column: columns.target ?? 0,
            "the series \(id.quoted) has another target on line \(table.line(ofRow: rows[0])); a series "
              + "has one: set 'data.targetPer' to 'step' where each step has its own")
        }
        result.append(values[rows[0]])
      }
      return result
    }
    switch target {
    case .none: return .none
    case .classes(let texts): return .classes(try one(texts) { $0 == $1 })
    case .values(let values):
      return .values(try one(values) { $0 == $1 || $0.isNaN && $1.isNaN })
    }
  }
}
