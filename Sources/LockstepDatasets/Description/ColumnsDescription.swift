import LockstepFiles

/// The columns of a table, and what each becomes.
package struct ColumnsDescription: Sendable, Equatable {
  /// One feature.
  package struct Column: Sendable, Equatable {
    /// The name in the header.
    package var name: String
    /// What its cells become.
    package var encoding: ColumnEncoding

    package init(_ name: String, _ encoding: ColumnEncoding) {
      self.name = name
      self.encoding = encoding
    }

    /// A column of numbers.
    package init(_ name: String, mean: Double = 0, deviation: Double = 1, fill: Double? = nil) {
      self.init(name, .number(NumberEncoding(mean: mean, deviation: deviation, fill: fill)))
    }

    /// What becomes of its numbers; as they are where it holds others.
    package var number: NumberEncoding {
      if case .number(let number) = encoding { number } else { NumberEncoding() }
    }

    /// The names of its inputs, or of the vectors that the model learns.
    package var inputNames: [String] { encoding.suffixes.map { name + $0 } }
  }

  /// The features, in the order of the model's inputs.
  package var columns: [Column]
  /// Columns that are neither feature nor target, and may be missing later.
  package var ignored: [String]
  /// The column that names a row; nil for none.
  package var id: String?
  /// The column of the examples' weights; nil for none.
  package var weight: String?
  /// How the table is written.
  package var dialect: CSVDialect

  package init(
    columns: [Column], ignored: [String] = [], id: String? = nil, weight: String? = nil,
    dialect: CSVDialect = CSVDialect()
  ) {
    self.columns = columns
    self.ignored = ignored
    self.id = id
    self.weight = weight
    self.dialect = dialect
  }

  /// The names of the model's inputs and of its vectors, in their order.
  package var inputNames: [String] { columns.flatMap(\.inputNames) }

  /// The names of the inputs that are numbers, in their order.
  package var numberNames: [String] {
    columns.filter { $0.encoding.embedded == nil }.flatMap(\.inputNames)
  }

  /// For each input that is the number of a vector its name, and the levels from number 1 on.
  package var vectorLevels: [(input: String, levels: [String])] {
    embedded.map { embedded in
      let column = columns.first { $0.name == embedded.name }
      let suffixes = column?.encoding.suffixes ?? []
      return (embedded.inputName, suffixes.map { $0.hasPrefix("=") ? String($0.dropFirst()) : $0 })
    }
  }

  /// The number of inputs that are numbers.
  package var width: Int { columns.map(\.encoding.width).reduce(0, +) }

  /// The columns whose cells become the numbers of vectors that the model learns.
  package var embedded: [EmbeddedColumn] {
    columns.compactMap { column in
      guard let category = column.encoding.embedded, let width = category.embedding else {
        return nil
      }
      return EmbeddedColumn(
        name: column.name, count: column.encoding.suffixes.count + 1, width: width)
    }
  }

  /// What inputs of a model say in the words of the table: each column's name and value. Columns whose cells
  /// become the numbers of vectors are left out.
  package func cells(of inputs: [Float]) -> [(name: String, value: String)] {
    var start = 0
    return columns.filter { $0.encoding.width > 0 }.map { column in
      let end = min(start + column.encoding.width, inputs.count)
      defer { start = end }
      return (column.name, column.encoding.text(of: Array(inputs[min(start, end)..<end])))
    }
  }

  /// The features, and the names of rows, whose texts are needed as they are written.
  func texts(id other: String?) -> Set<String> {
    let features = columns.filter { $0.encoding.kind != .number }.map(\.name)
    return Set(features + [id, other].compactMap { $0.map(CellText.trimmed) })
  }

  // MARK: JSON

  var json: JSONValue {
    var object: JSONObject = [
      "kind": "columns",
      "columns": .array(
        columns.map { column in
          var object: JSONObject = ["name": .string(column.name)]
          for (key, value) in column.encoding.json.members { object[key] = value }
          return .object(object)
        }),
      "ignored": .array(ignored.map { .string($0) }), "id": id.map { .string($0) } ?? .null,
    ]
    if let weight { object["weight"] = .string(weight) }
    for (key, value) in dialect.json.members { object[key] = value }
    return .object(object)
  }

  init?(_ json: JSONValue) {
    guard let list = json["columns"]?.arrayValue, !list.isEmpty,
      let ignored = json["ignored"]?.texts, let dialect = CSVDialect(json)
    else { return nil }
    let columns = list.compactMap { json -> Column? in
      guard let name = json["name"]?.stringValue, let encoding = ColumnEncoding(json) else {
        return nil
      }
      return Column(name, encoding)
    }
    guard columns.count == list.count else { return nil }
    self.init(
      columns: columns, ignored: ignored, id: json["id"]?.stringValue,
      weight: json["weight"]?.stringValue, dialect: dialect)
  }
}
