import LockstepFiles

/// What the columns of a table hold, as far as their cells show it.
package struct TableSchema: Sendable {
  /// What one column holds.
  package struct Column: Sendable {
    /// The name in the header.
    package let name: String
    /// number, category, boolean, date, text, empty, or mixed: numbers and texts.
    package let kind: String
    /// The number of rows without a value.
    package let missing: Int
    /// The number of distinct values.
    package let distinct: Int
    /// The smallest and the largest number or date, or the levels.
    package let range: String
    /// A few values.
    package let examples: [String]
    /// What becomes of it as a feature.
    package let treatment: String
    /// Whether it is left out, or better were.
    package let isLeftOut: Bool
    /// Whether its numbers are whole.
    package let isWhole: Bool
    /// The distinct numbers, in order, where there are at most 20.
    package var numbers: [Double] = []
  }

  /// The table's files, in words.
  package let name: String
  /// The number of rows.
  package let rows: Int
  /// The columns, in the header's order.
  package let columns: [Column]
  /// How the table is written, the delimiter as it was found.
  package let dialect: CSVDialect

  /// What the columns of a table hold.
  package init(_ table: CSVTable, name: String) {
    self.name = name
    rows = table.rowCount
    dialect = table.dialect
    let all = Array(0..<table.rowCount)
    columns = table.columns.indices.map {
      Column(ColumnCells(table: table, column: $0), all)
    }
  }
}

extension TableSchema.Column {
  fileprivate init(_ cells: ColumnCells, _ rows: [Int]) {
    let inference: ColumnInference
    do throws(FileError) {
      inference = try ColumnInference(ColumnRows(cells, rows), ColumnRule())
      if case .kind(.number) = inference {
        try self.init(numbers: cells, rows)
        return
      }
    } catch {
      self.init(mixed: cells, rows, error)
      return
    }
    let found = cells.distinct(rows)
    let examples = found.texts.prefix(3).map { $0.shortened(to: 24) }
    var (kind, range, treatment, isLeftOut) = ("empty", "", "left out", true)
    switch inference {
    case .kind(.boolean):
      (kind, treatment, isLeftOut) = (
        "boolean", found.missing > 0 ? "0 or 1, and whether it is missing" : "0 or 1", false
      )
      range = found.texts.sorted().prefix(4).joined(separator: ", ")
    case .kind(.date):
      (kind, isLeftOut) = ("date", false)
      (range, treatment) = Self.dates(cells, rows)
    case .kind:
      (kind, isLeftOut) = ("category", false)
      let coded = found.texts.count + (found.missing > 0 ? 1 : 0)
      treatment =
        counted(coded, "one-hot input") + (found.missing > 0 ? ", one for missing values" : "")
      range = Self.levels(found)
    case .text(let distinct):
      kind = "text"
      treatment =
        distinct == rows.count
        ? "left out: names each row; 'data.id' shows it in predictions"
        : "left out, unless 'data.columns' says that it is a category"
    case .empty: break
    }
    self.init(
      name: cells.name, kind: kind, missing: found.missing, distinct: found.texts.count,
      range: range, examples: examples, treatment: treatment, isLeftOut: isLeftOut, isWhole: false)
  }

  /// A column that training would refuse.
  private init(mixed cells: ColumnCells, _ rows: [Int], _ error: FileError) {
    let found = cells.distinct(rows)
    self.init(
      name: cells.name, kind: "mixed", missing: found.missing, distinct: found.texts.count,
      range: "", examples: found.texts.prefix(3).map { $0.shortened(to: 24) },
      treatment: "an error: \(error.reason)", isLeftOut: true, isWhole: false)
  }

  private init(numbers cells: ColumnCells, _ rows: [Int]) throws(FileError) {
    var distinct: Set<Double> = []
    var (low, high, missing, isWhole) = (Double.infinity, -Double.infinity, 0, true)
    var (isCounter, examples): (Bool, [String]) = (rows.count > 2, [])
    for row in rows {
      guard let value = try cells.number(row, remedy: NumberEncoding.remedy) else {
        missing += 1
        isCounter = false
        continue
      }
      (low, high) = (min(low, value), max(high, value))
      isWhole = isWhole && value == value.rounded()
      isCounter = isCounter && (row == 0 ? value <= 1 : value == low + Double(row))
      if distinct.insert(value).inserted, examples.count < 3 {
        examples.append(CellText.text(value))
      }
    }
    let treatment =
      isCounter
      ? "counts the rows: name it in 'data.ignore', or in 'data.id'"
      : missing > 0 ? "standardised; missing values need 'data.fillMissing'" : "standardised"
    self.init(
      name: cells.name, kind: "number", missing: missing, distinct: distinct.count,
      range: "\(readable(low)) … \(readable(high))", examples: examples, treatment: treatment,
      isLeftOut: isCounter, isWhole: isWhole)
    if distinct.count <= 20 { self.numbers = distinct.sorted() }
  }

  /// The levels with the most rows, and how many each has.
  private static func levels(_ found: ColumnCells.Distinct) -> String {
    let order = found.texts.indices.sorted {
      (-found.counts[$0], found.texts[$0]) < (-found.counts[$1], found.texts[$1])
    }
    let shown = order.prefix(5).map { "\(found.texts[$0].shortened(to: 24)) (\(found.counts[$0]))" }
    return shown.joined(separator: ", ") + (order.count > 5 ? ", …" : "")
  }

  /// The first and the last date, and what dates become; why they cannot become anything.
  private static func dates(_ cells: ColumnCells, _ rows: [Int]) -> (String, String) {
    var rule = ColumnRule(.date)
    rule.missing = .mean
    do throws(FileError) {
      let encoding = try DateEncoding(ColumnRows(cells, rows), rule, standardize: false)
      let texts = cells.distinct(rows).texts
      func day(_ text: String) -> Double? {
        guard case .date(let date)? = CalendarDate.read(text, order: encoding.order) else {
          return nil
        }
        return date.value(.days)
      }
      let sorted = texts.compactMap { text in day(text).map { ($0, text) } }.sorted { $0.0 < $1.0 }
      return (
        "\(sorted.first?.1 ?? "") … \(sorted.last?.1 ?? "")",
        encoding.parts.map(\.part.rawValue).joined(separator: ", ")
      )
    } catch {
      return ("", "an error: \(error.reason)")
    }
  }
}

// MARK: - As text and JSON

extension TableSchema {
  /// The column that is most likely to be predicted: one of a usual name, or else the last one.
  package var likelyTarget: Column? {
    let names: Set = ["target", "label", "class", "y", "outcome"]
    return columns.first { names.contains($0.name.lowercased()) }
      ?? columns.last { !$0.isLeftOut && $0.kind != "date" }
  }

  /// What the columns hold, as JSON.
  package var json: JSONValue {
    [
      "file": .string(name), "rows": .integer(rows),
      "columns": .array(
        columns.map {
          [
            "name": .string($0.name), "kind": .string($0.kind), "missing": .integer($0.missing),
            "distinct": .integer($0.distinct), "range": .string($0.range),
            "examples": .array($0.examples.map { .string($0) }),
            "treatment": .string($0.treatment),
          ]
        }),
    ]
  }
}
