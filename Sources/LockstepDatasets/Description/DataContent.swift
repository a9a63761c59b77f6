import LockstepFiles

/// The raw examples of a file or of a generator, before anything is fitted: what a description is
/// made of, and what it is applied to.
package protocol DataContent: Sendable {
  /// What the examples are called in messages: a file's path.
  var name: String { get }
  /// The number of examples.
  var count: Int { get }
  /// What the user should know about the examples.
  var notices: [String] { get }
  /// What the user should know where distinct numbers become one in Float32, as examples are kept.
  func roundingNotices(as description: DataDescription) -> [String]
  /// What the user should know of what was learned from some of the examples, the training part.
  func fittingNotices(_ rows: [Int]?, as description: DataDescription) throws -> [String]
  /// The stratum of each example, for stratified splits.
  func strata() throws -> [Int]
  /// The cells of a column, one an example, trimmed; for splits by groups and by time.
  ///
  /// - Throws: `FileError` or ``DatasetError`` where there is no such column, or a cell is missing.
  func cells(in column: String) throws -> [String]
  /// The byte between the whole digits of a number and the fraction's in cells.
  var decimalPoint: UInt8 { get }
  /// The order of day, month and year that is said of a column's dates; nil where they show it.
  func dateOrder(of column: String) -> DateOrder?
  /// What can be learned from some of the examples, the training part; from all where `rows` is nil.
  func describe(_ rows: [Int]?) throws -> DataDescription
  /// Some of the examples, or all, ready for a model.
  ///
  /// - Throws: `FileError` or ``DatasetError`` where an example does not fit the description; it names
  ///   the row.
  func part(_ rows: [Int]?, as description: DataDescription) throws -> DataPart
  /// What tells all of the examples from others; nil where nothing but the configuration does.
  func summary(as description: DataDescription) throws -> PartSummary?
  /// Where all of the examples stand.
  var places: ExamplePlaces { get }
}

extension DataContent {
  package func cells(in column: String) throws -> [String] {
    throw DatasetError(name, "has no column '\(column)'")
  }

  /// The group of each example, by a column's cells.
  package func groups(in column: String) throws -> [Int] {
    let cells = try cells(in: column)
    let numbers = Dictionary(
      Set(cells).sorted().enumerated().map { ($1, $0) }, uniquingKeysWith: { first, _ in first })
    return cells.map { numbers[$0] ?? 0 }
  }

  /// The time of each example, by a column's cells: numbers, or dates and times as columns of dates have them.
  package func times(in column: String) throws -> [Double] {
    let cells = try cells(in: column)
    let numbers = cells.compactMap { CellText.number($0, point: decimalPoint) }
    if numbers.count == cells.count { return numbers }
    func fault(_ row: Int, _ reason: String) -> FileError {
      FileError(
        path: name, kind: .corrupt,
        reason: "\(places.text(row)), column \(column.quoted): \(reason)")
    }
    var order = dateOrder(of: column)
    if order == nil {
      var search = DateOrderSearch()
      for (row, cell) in cells.enumerated() { search.take(cell, row: row) }
      order = try search.order(
        place: places.text, of: "",
        remedy: "set 'format' of the column in 'data.columns' to 'dmy' or 'mdy'", fault: fault)
    }
    let dates = cells.map { cell -> Double? in
      guard case .date(let date)? = CalendarDate.read(cell, order: order) else { return nil }
      return date.value(.days)
    }
    if let odd = dates.firstIndex(of: nil) {
      throw DatasetError(
        name,
        "\(places.text(odd)): '\(cells[odd])' in the column '\(column)' is no time: write all as numbers, or all "
          + "as dates like 2024-01-31 or 2024-01-31T18:05:00")
    }
    if let odd = CalendarDate.firstOtherOffset(cells) {
      throw DatasetError(
        name,
        "\(places.text(odd)): '\(cells[odd])' in the column '\(column)' has another offset from UTC than "
          + "'\(cells[0])': write all times by one clock")
    }
    return dates.map { $0 ?? 0 }
  }

  package var decimalPoint: UInt8 { UInt8(ascii: ".") }

  package func dateOrder(of column: String) -> DateOrder? { nil }

  package func roundingNotices(as description: DataDescription) -> [String] { [] }

  package func fittingNotices(
    _ rows: [Int]?, as description: DataDescription
  ) throws -> [String] { [] }

  package func summary(as description: DataDescription) throws -> PartSummary? { nil }

  package var places: ExamplePlaces {
    ExamplePlaces(file: name, rows: (0..<count).map { $0 + 1 })
  }

  /// What can be learned from all of the examples.
  package func describe() throws -> DataDescription { try describe(nil) }

  /// All examples, ready for a model.
  package func part(as description: DataDescription) throws -> DataPart {
    try part(nil, as: description)
  }
}
