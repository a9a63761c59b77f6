/// What the columns of a table of series mean, before anything is fitted.
package struct SeriesOptions: Sendable {
  /// What a row is.
  package enum Layout: String, Sendable, CaseIterable {
    /// One step of a series.
    case steps
    /// A whole series, whose steps are columns.
    case rows
  }

  /// What is to be predicted where it is no column of its own: the next steps of some columns.
  package struct Forecast: Sendable, Equatable {
    /// The columns whose next values are predicted.
    package var targets: [String]
    /// How many steps of the past are seen.
    package var window: Int
    /// How many steps are predicted.
    package var horizon: Int
    /// The distance between the starts of windows of the training part.
    package var stride: Int
    /// The end of each series of this size is the test part; nil for none.
    package var testFraction: Double?

    package init(
      targets: [String], window: Int, horizon: Int, stride: Int = 1, testFraction: Double? = nil
    ) {
      self.targets = targets
      self.window = window
      self.horizon = horizon
      self.stride = stride
      self.testFraction = testFraction
    }
  }

  /// What a row is.
  package var layout: Layout
  /// The column that names a row's series; nil where all rows are one series, or have no names.
  package var series: String?
  /// The column by which steps are ordered; nil for the order of the rows.
  package var time: String?
  /// Whether steps may lie apart by other distances than the smallest one.
  package var allowsGaps = false
  /// The target's column; nil for a forecast.
  package var target: String?
  /// Whether each step has a target, and not each series.
  package var perStep = false
  /// What the target means.
  package var kind = TargetKind.classes
  /// The classes, where they are not to be taken from the training part.
  package var classes: ClassNames?
  /// Columns that are neither feature nor target.
  package var ignoring: [String] = []
  /// What becomes of missing features.
  package var missing = MissingValues.refuse
  /// Whether features are brought to mean 0 and deviation 1.
  package var standardize = true
  /// Whether a target of numbers is, too.
  package var standardizesTarget = false
  /// The lengths that series are padded to; nil for powers of two, or for the one length that all have.
  package var lengths: [Int]?
  /// Whether inputs of one length are [features, T], for convolutions, and not [T, features].
  package var channelsFirst = false
  /// What is forecast; nil where a column is the target.
  package var forecast: Forecast?
  /// How the table is written.
  package var dialect = CSVDialect()

  package init(_ layout: Layout) { self.layout = layout }

  /// The columns whose texts are needed as they are written, though they may look like numbers.
  package var texts: Set<String> {
    Set(
      [series, time, kind == .values ? nil : target].compactMap { $0.map(CellText.trimmed) })
  }

  var fill: Double? { if case .fill(let value) = missing { value } else { nil } }
}
