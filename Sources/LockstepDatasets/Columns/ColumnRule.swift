/// What a column of a table holds, and so what becomes of it.
package enum ColumnKind: String, Sendable, CaseIterable {
  /// Numbers, which are standardised.
  case number
  /// One of a few names each, which become an input a name.
  case category
  /// Yes or no, which become 1 and 0.
  case boolean
  /// Dates, with a time or without, which become their calendar parts.
  case date
  /// The names of the rows.
  case id
  /// What is left out.
  case ignore
}

/// What a user says of a column; what is nil follows from the column's cells.
package struct ColumnRule: Sendable, Equatable {
  /// What it holds.
  package var kind: ColumnKind?
  /// What becomes of missing values.
  package var missing: MissingValues?
  /// Whether a further input tells where values were missing.
  package var hasIndicator: Bool?
  /// The most levels that a category may have.
  package var maxLevels: Int?
  /// Levels with fewer examples share an input, which unknown ones have too.
  package var minCount: Int?
  /// How many values the learned vector of a category's level has; 0 for an input a level.
  package var embedding: Int?
  /// The order of a date's day, month and year.
  package var dateOrder: DateOrder?
  /// What becomes of a date.
  package var parts: [DatePart]?

  package init(_ kind: ColumnKind? = nil) { self.kind = kind }

  /// The most levels that have an input each where nothing is said.
  package static let usualMaxLevels = 64

  /// Whether cells are needed as they are written, though they may look like numbers.
  var needsTexts: Bool {
    switch kind {
    case .category, .boolean, .date, .id: true
    case .number, .ignore, nil: false
    }
  }
}
