import LockstepFiles

/// What the target column of a table means.
public enum TargetKind: Sendable, Equatable {
  /// Classes: the integers 0, 1, …, or texts, numbered in sorted order.
  case classes
  /// Numbers: for regression, and 0 or 1 for binary cross-entropy.
  case values
}

/// What becomes of a missing feature.
public enum MissingValues: Sendable, Equatable {
  /// It is an error that names line and column.
  case refuse
  /// It becomes this value.
  case fill(Float)
}

extension Dataset {
  /// Reads a CSV file: one column is the target, all others are features, in the header's order.
  ///
  /// - Parameters:
  ///   - ignoring: columns that are neither.
  public static func csv(
    _ path: String, target: String, as kind: TargetKind = .classes, ignoring: [String] = [],
    missing: MissingValues = .refuse, delimiter: Unicode.Scalar = ","
  ) throws -> Dataset {
    try table(
      try CSVTable.read(path, delimiter: delimiter), name: path, target: target, as: kind,
      ignoring: ignoring, missing: missing)
  }

  /// Makes a data set of a table.
  public static func table(
    _ table: CSVTable, name: String, target: String, as kind: TargetKind = .classes,
    ignoring: [String] = [], missing: MissingValues = .refuse
  ) throws -> Dataset {
    let targetColumn = try table.column(target)
    var ignored: Set<Int> = [targetColumn]
    for name in ignoring { ignored.insert(try table.column(name)) }
    let features = table.columns.indices.filter { !ignored.contains($0) }
    guard !features.isEmpty else {
      throw FileError(
        path: table.path, kind: .mismatch, reason: "has no feature columns beside '\(target)'")
    }
    var inputs: [Float] = []
    inputs.reserveCapacity(table.rowCount * features.count)
    for row in 0..<table.rowCount {
      for column in features {
        if let value = try number(table, row, column) {
          inputs.append(value)
        } else if case .fill(let value) = missing {
          inputs.append(value)
        } else {
          throw table.fault(row: row, column: column, "the value is missing")
        }
      }
    }
    let labels: Labels =
      switch kind {
      case .classes: try classes(table, targetColumn)
      case .values: .targets(try targets(table, targetColumn), width: 1)
      }
    return try Dataset(
      name: name, inputShape: [features.count], inputs: .floats(inputs), labels: labels)
  }

  /// A cell as a Float32 number; nil where it is missing.
  private static func number(
    _ table: CSVTable, _ row: Int, _ column: Int
  ) throws(FileError) -> Float? {
    guard let value = try table.number(row: row, column: column) else { return nil }
    guard Float(value).isFinite else {
      throw table.fault(row: row, column: column, "\(value) is out of the range of Float32")
    }
    return Float(value)
  }

  private static func targets(_ table: CSVTable, _ column: Int) throws(FileError) -> [Float] {
    var values: [Float] = []
    for row in 0..<table.rowCount {
      guard let value = try number(table, row, column) else {
        throw table.fault(row: row, column: column, "the target is missing")
      }
      values.append(value)
    }
    return values
  }

  private static func classes(_ table: CSVTable, _ column: Int) throws(FileError) -> Labels {
    let texts = (0..<table.rowCount).map { table.text(row: $0, column: column) }
    if let row = texts.firstIndex(of: "") {
      throw table.fault(row: row, column: column, "the target is missing")
    }
    let numbers = texts.map { text in Double(text).flatMap { Int32(exactly: $0) } }
    guard numbers.contains(where: { $0 != nil }) else {
      // Names: numbered in the order of their bytes.
      let names = Set(texts).sorted()
      var indices: [String: Int32] = [:]
      for name in names { indices[name] = Int32(indices.count) }
      return .classes(texts.map { indices[$0]! }, count: names.count)
    }
    var classes: [Int32] = []
    for (row, number) in numbers.enumerated() {
      guard let number, number >= 0 else {
        throw table.fault(
          row: row, column: column,
          "expected a class 0, 1, …, found '\(texts[row].shortened(to: 40))'")
      }
      classes.append(number)
    }
    return .classes(classes, count: Int(classes.max() ?? 0) + 1)
  }
}
