/// What an evaluation makes of all its examples at once, beside sums that are folded.
package protocol WholeScores: AnyObject {
  /// The names of the metrics that are numbers, in order.
  var names: [String] { get }

  /// Forgets what the last evaluation left.
  func begin()

  /// Brings the examples of all ranks together. Called by all ranks, once they have computed.
  ///
  /// - Parameter loss: the evaluation's loss.
  /// - Returns: the same on all ranks.
  func finish(
    loss: Double
  ) throws -> (values: [(name: String, value: Double)], tables: [EvaluationTable])
}

/// A metric that is no number: a row a class, say.
package struct EvaluationTable: Sendable, Equatable {
  /// The name in reports.
  package let name: String
  /// The names of the rows.
  package let rows: [String]
  /// The names of the columns.
  package let columns: [String]
  /// A value a column, row by row.
  package let values: [Double]

  /// Makes a table.
  package init(_ name: String, rows: [String], columns: [String], values: [Double]) {
    self.name = name
    self.rows = rows
    self.columns = columns
    self.values = values
  }

  /// The values of a row.
  package subscript(row: Int) -> ArraySlice<Double> {
    values[row * columns.count..<(row + 1) * columns.count]
  }
}
