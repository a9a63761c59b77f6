/// How the value of a metric is made of the folded sums in a record's columns of metrics.
///
/// Two formulas are equal where they read the same columns in the same way; what a formula of its own
/// computes of them is not compared.
package struct MetricFormula: Sendable {
  /// The value of the sums over all examples, and of the number of examples.
  package typealias Value = @Sendable (_ sums: [Double], _ examples: Double) -> Double

  /// The columns of the sums.
  package let columns: Range<Int>
  /// The column of the count that divides a mean; nil where the number of examples does.
  package let count: Int?
  private let value: Value?

  /// A sum's mean.
  ///
  /// - Parameters:
  ///   - column: the column of the sum.
  ///   - count: the column of the count that divides it; nil where the number of examples does.
  package init(meanOf column: Int, by count: Int? = nil) {
    columns = column..<column + 1
    self.count = count
    value = nil
  }

  /// A value that is made of several sums.
  package init(of columns: Range<Int>, _ value: @escaping Value) {
    self.columns = columns
    count = nil
    self.value = value
  }

  /// The means over examples of so many metrics with one column each.
  package static func means(_ count: Int) -> [MetricFormula] {
    (0..<count).map { MetricFormula(meanOf: $0) }
  }

  /// The value, from a folded record.
  package func callAsFunction(_ total: ShardRecord) -> Double {
    guard let value else {
      return total[metric: columns.lowerBound]
        / (count.map { total[metric: $0] } ?? max(total.examples, 1))
    }
    return value(columns.map { total[metric: $0] }, total.examples)
  }
}

extension MetricFormula: Equatable {
  package static func == (left: Self, right: Self) -> Bool {
    left.columns == right.columns && left.count == right.count
      && (left.value == nil) == (right.value == nil)
  }
}

extension [MetricFormula] {
  /// The number of columns that the formulas read.
  package var columnCount: Int {
    reduce(0) { Swift.max($0, $1.columns.upperBound, ($1.count ?? -1) + 1) }
  }
}
