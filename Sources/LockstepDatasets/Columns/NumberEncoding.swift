import LockstepFiles

/// Numbers: what is missing is filled in, and the result standardised.
package struct NumberEncoding: CellCoding, Equatable {
  /// What is subtracted; 0 where features stay as they are.
  package var mean: Double { scale.mean }
  /// What is divided by then; 1 where features stay as they are.
  package var deviation: Double { scale.deviation }
  /// What a missing value becomes, before all else; nil where a missing value is an error.
  package var fill: Double?
  /// Whether a second input is 1 where the value is missing, and 0 elsewhere.
  package var hasIndicator: Bool
  var scale: Scale

  package init(
    mean: Double = 0, deviation: Double = 1, fill: Double? = nil, hasIndicator: Bool = false
  ) {
    scale = Scale(mean: mean, deviation: deviation)
    self.fill = fill
    self.hasIndicator = hasIndicator
  }

  /// Fits means, deviations and fill values on some rows.
  ///
  /// - Throws: `FileError` for a text that is no number, and for a missing value that is an error.
  init(_ cells: ColumnRows, _ rule: ColumnRule, standardize: Bool) throws(FileError) {
    var (sum, count): (Double, Int) = (0, 0)
    var firstMissing: Int?
    try cells.forEachNumber(remedy: Self.remedy) { value, row in
      if value.isNaN {
        firstMissing = firstMissing ?? row
      } else {
        sum += value
        count += 1
      }
    }
    let policy = rule.missing ?? .refuse
    let fill = try policy.fill(count: count, sum: sum) { body throws(FileError) in
      try cells.forEachNumber(remedy: Self.remedy) { value, _ in
        if !value.isNaN { body(value) }
      }
    }
    if let firstMissing, fill == nil {
      throw cells.fault(
        firstMissing,
        policy == .refuse
          ? Self.missing
          : "no row of the training part has a value: leave the column out with 'data.ignore'")
    }
    self.fill = fill
    hasIndicator = rule.hasIndicator == true && firstMissing != nil
    guard standardize else {
      scale = Scale()
      return
    }
    scale = try Scale(
      count: cells.count, sum: firstMissing == nil ? sum : nil
    ) { body throws(FileError) in
      try cells.forEachNumber(remedy: Self.remedy) { value, _ in
        body(value.isNaN ? fill ?? .nan : value)
      }
    }
  }

  static let remedy =
    "; numbers are expected in this column: write it as one, or say in 'data.columns' what the column is, "
    + "or leave it out with 'data.ignore'"
  private static let missing =
    "the value is missing: fill it in, remove the line, or set 'data.fillMissing' to a number, 'mean' or "
    + "'median'"
  static let laterRemedy = "; the run was trained on numbers in this column"
  static let laterMissing =
    "the value is missing: fill it in; the run was trained without 'data.fillMissing'"

  var suffixes: [String] { hasIndicator ? ["", Self.missingSuffix] : [""] }

  struct Writer: CellWriter {
    let coding: NumberEncoding
    let cells: ColumnCells
    let numbers: ColumnCells.Numbers?

    func write(_ row: Int, to inputs: UnsafeMutablePointer<Float>) throws(FileError) {
      if let known = numbers?[row], known.magnitude <= ColumnRows.largest {
        let value = coding.scale.apply(known)
        if value.isFinite {
          inputs[0] = value
          return
        }
      }
      let found = try cells.number(row, remedy: NumberEncoding.laterRemedy)
      guard let raw = found ?? coding.fill else {
        throw cells.fault(row, NumberEncoding.laterMissing)
      }
      let value = coding.scale.apply(raw)
      guard value.isFinite else {
        throw cells.fault(
          row, "\(raw) is out of the range of Float32 when it is standardised")
      }
      inputs[0] = value
      if coding.hasIndicator, found == nil { inputs[1] = 1 }
    }
  }

  func writer(_ cells: ColumnCells) -> any CellWriter {
    Writer(coding: self, cells: cells, numbers: cells.numbers)
  }

  var json: JSONObject {
    var object: JSONObject = [
      "mean": .number(mean), "deviation": .number(deviation),
      "fill": fill.map { .number($0) } ?? .null,
    ]
    if hasIndicator { object["indicator"] = true }
    return object
  }

  init?(_ json: JSONValue) {
    guard let scale = Scale(json) else { return nil }
    self.init(
      mean: scale.mean, deviation: scale.deviation, fill: json["fill"]?.doubleValue,
      hasIndicator: json["indicator"]?.boolValue ?? false)
  }
}
