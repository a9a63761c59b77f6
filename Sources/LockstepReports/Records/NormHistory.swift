import LockstepFiles

/// The norms of a run's tensors over its steps, as `norms.jsonl` has them.
package struct NormHistory: Sendable, Equatable {
  /// The numbers of one kind: a row a tensor, a column a logged step.
  package struct Table: Sendable, Equatable {
    /// The steps, in order.
    package var steps: [Int] = []
    /// The tensors' names, in the model's order.
    package var names: [String] = []
    /// A list for each tensor; NaN where a line lacks it.
    package var values: [[Double]] = []

    /// A table without numbers.
    package init() {}
  }

  /// Where a constraint holds the norms of a tensor's units.
  package struct Interval: Sendable, Equatable {
    /// The tensor.
    package let name: String
    /// The least norm.
    package let minimum: Double
    /// The largest; nil where there is none.
    package let maximum: Double?
  }

  /// The gradients' norms before clipping.
  package private(set) var before = Table()
  /// The gradients' norms behind clipping.
  package private(set) var after = Table()
  /// The largest singular values of the gradients before clipping, of a run that logged them.
  package private(set) var singularValues = Table()
  /// The norms of the weights.
  package private(set) var weights = Table()
  /// The least norm of a unit of each constrained tensor.
  package private(set) var leastUnit = Table()
  /// The largest norm of a unit of each constrained tensor.
  package private(set) var largestUnit = Table()
  /// The constraints on norms.
  package private(set) var intervals: [Interval] = []

  /// Reads the file of a run directory; there is nothing in the history of a run that has none.
  ///
  /// - Throws: `FileError` where a line cannot be read.
  package init(directory: String) throws(FileError) {
    let path = "\(directory)/norms.jsonl"
    guard FileKind(path) == .regular else { return }
    try FileInput(path).forEachLine { line throws(FileError) in
      let value: JSONValue
      do throws(JSONSyntaxError) {
        value = try JSONValue.parse(Array(line.bytes), source: path)
      } catch {
        guard line.isWhole else { return }
        throw FileError(
          path: path, kind: .corrupt,
          reason:
            "line \(line.number) cannot be read (column \(error.column): \(error.reason)); mend "
            + "the line, or remove it")
      }
      guard let step = value["step"]?.integerValue else { return }
      before.append(value["gradients"]?.objectValue, step) { $0.arrayValue?.first?.number }
      after.append(value["gradients"]?.objectValue, step) { $0.arrayValue?.last?.number }
      singularValues.append(value["singularValues"]?.objectValue, step) { $0.number }
      weights.append(value["weights"]?.objectValue, step) { $0.number }
      let units = value["units"]?.objectValue
      leastUnit.append(units, step) { $0.arrayValue?.first?.number }
      largestUnit.append(units, step) { $0.arrayValue?.dropFirst().first?.number }
      if intervals.isEmpty, let units { intervals = Self.intervals(units) }
    }
  }

  private static func intervals(_ units: JSONObject) -> [Interval] {
    units.members.compactMap { name, value in
      guard let numbers = value.arrayValue, numbers.count == 4, let minimum = numbers[2].number
      else { return nil }
      return Interval(name: name, minimum: minimum, maximum: numbers[3].number)
    }
  }
}

extension NormHistory.Table {
  fileprivate mutating func append(
    _ object: JSONObject?, _ step: Int, _ number: (JSONValue) -> Double?
  ) {
    guard let object else { return }
    for name in object.keys where !names.contains(name) {
      names.append(name)
      values.append(Array(repeating: .nan, count: steps.count))
    }
    steps.append(step)
    for (row, name) in names.enumerated() {
      values[row].append(object[name].flatMap(number) ?? .nan)
    }
  }

  /// As many columns as fit: of several steps side by side the largest norm, under the last one's
  /// number; one that is not finite counts as the largest.
  package func narrowed(to columns: Int) -> (table: Self, width: Int) {
    let width = max(1, (steps.count + columns - 1) / max(columns, 1))
    guard width > 1 else { return (self, 1) }
    var table = Self()
    table.names = names
    let starts = Array(stride(from: 0, to: steps.count, by: width))
    table.steps = starts.map { steps[min($0 + width, steps.count) - 1] }
    table.values = values.map { row in
      starts.map { start in
        let part = row[start..<min(start + width, row.count)]
        return part.contains { !$0.isFinite } ? .nan : part.max() ?? .nan
      }
    }
    return (table, width)
  }
}
