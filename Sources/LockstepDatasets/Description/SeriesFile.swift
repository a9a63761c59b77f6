import LockstepFiles

extension SeriesContent {
  /// The series of a table that a run is to be trained on.
  ///
  /// - Parameter name: what the examples are called; the table's path by default.
  /// - Throws: `FileError` that names line and column.
  package init(_ table: CSVTable, name: String? = nil, _ options: SeriesOptions) throws {
    switch options.layout {
    case .steps: try self.init(steps: table, name: name, options)
    case .rows: try self.init(rows: table, name: name, options)
    }
  }

  /// Reads another table through what training learned.
  ///
  /// - Parameters:
  ///   - isTargetOptional: whether rows may lack the target, or all of them its column.
  ///   - id: the column that names the series; by default the description's.
  /// - Throws: `FileError` that names the columns that are missing, or line and column.
  package init(
    _ table: CSVTable, name: String? = nil, as description: SeriesDescription,
    _ target: TargetDescription, isTargetOptional: Bool = false, id: String? = nil
  ) throws {
    var options = SeriesOptions(description, target)
    if let id {
      _ = try table.column(id)
      options.series = id
    }
    switch options.layout {
    case .steps:
      try self.init(
        steps: table, name: name, options, as: description, isTargetOptional: isTargetOptional)
    case .rows:
      try self.init(
        rows: table, name: name, options, as: description, isTargetOptional: isTargetOptional)
    }
  }
}

extension SeriesDescription {
  /// Reads a table through what training learned: all of its series, or windows of them.
  ///
  /// - Parameter isTargetOptional: whether labels may be missing. Of a forecast they are then: what lies
  ///   behind the end of each series is predicted.
  func read(
    _ path: String, _ target: TargetDescription, isTargetOptional: Bool, id: String?
  ) throws -> any DataContent {
    let content = try SeriesContent(
      CSVTable.read(
        path, table.dialect,
        texts: SeriesOptions(self, target).texts.union([id].compactMap { $0.map(CellText.trimmed) })
      ),
      as: self, target,
      isTargetOptional: isTargetOptional, id: id)
    guard let forecast else { return content }
    return try SeriesForecast(content, forecast, part: isTargetOptional ? .ahead : .all)
  }
}
