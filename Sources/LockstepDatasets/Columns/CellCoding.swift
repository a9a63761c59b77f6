import LockstepFiles

/// What one kind of column becomes.
protocol CellCoding: Sendable {
  /// The names of the inputs, behind that of the column.
  var suffixes: [String] { get }
  var json: JSONObject { get }
  init?(_ json: JSONValue)
  func writer(_ cells: ColumnCells) -> any CellWriter
  func notices(_ cells: ColumnRows) throws(FileError) -> [String]
}

extension CellCoding {
  /// The suffix of the input that tells whether a value is missing.
  static var missingSuffix: String { "=(missing)" }

  func notices(_ cells: ColumnRows) throws(FileError) -> [String] { [] }
}

/// Writes the inputs that a column's cells become.
protocol CellWriter {
  /// Writes the inputs of a row's cell, which are 0 before.
  func write(_ row: Int, to inputs: UnsafeMutablePointer<Float>) throws(FileError)
}

/// (x − mean) / deviation of a value in Float64, rounded once.
struct Scale: Sendable, Equatable {
  var mean = 0.0
  var deviation = 1.0

  init(mean: Double = 0, deviation: Double = 1) {
    self.mean = mean
    self.deviation = deviation
  }

  /// The mean and the deviation of values, at least one.
  init(fitting values: [Double]) {
    let fitted = Standardizer(fitting: Array(values.indices), width: 1) { values[$0] }
    self.init(mean: fitted.mean[0], deviation: fitted.deviation[0])
  }

  /// The mean and the deviation of values that are handed over as often as they are needed.
  ///
  /// - Parameters:
  ///   - count: the number of values, at least one.
  ///   - sum: their sum in order, where it is known.
  init(
    count: Int, sum known: Double? = nil,
    _ forEach: ((Double) -> Void) throws(FileError) -> Void
  ) throws(FileError) {
    var sum = known ?? 0
    if known == nil { try forEach { sum += $0 } }
    let mean = sum / Double(count)
    var squares = 0.0
    try forEach { squares += ($0 - mean) * ($0 - mean) }
    self.init(
      mean: mean,
      deviation: Standardizer.deviation(
        variance: squares / Double(count), mean: mean, count: Double(count)))
  }

  @inline(__always)
  func apply(_ value: Double) -> Float { Float((value - mean) / deviation) }

  init?(_ json: JSONValue) {
    guard let mean = json["mean"]?.doubleValue, let deviation = json["deviation"]?.doubleValue,
      mean.isFinite, deviation.isFinite, deviation > 0
    else { return nil }
    self.init(mean: mean, deviation: deviation)
  }
}
