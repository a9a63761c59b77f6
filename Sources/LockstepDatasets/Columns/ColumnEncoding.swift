import LockstepFiles

/// What training learned of a feature's column: which inputs of a model its cells become.
package enum ColumnEncoding: Sendable, Equatable {
  case number(NumberEncoding)
  case category(CategoryEncoding)
  case boolean(BooleanEncoding)
  case date(DateEncoding)

  private var coding: any CellCoding {
    switch self {
    case .number(let coding): coding
    case .category(let coding): coding
    case .boolean(let coding): coding
    case .date(let coding): coding
    }
  }

  /// What the column holds.
  package var kind: ColumnKind {
    switch self {
    case .number: .number
    case .category: .category
    case .boolean: .boolean
    case .date: .date
    }
  }

  /// What a missing number becomes; nil where there is none, or it is an error.
  var fill: Double? { if case .number(let number) = self { number.fill } else { nil } }

  /// The names of the inputs, or of the vectors that the model learns, behind that of the column.
  package var suffixes: [String] { coding.suffixes }

  /// The number of inputs; 0 where the cells become the numbers of vectors.
  package var width: Int { embedded == nil ? coding.suffixes.count : 0 }

  /// The category whose cells become the numbers of vectors; nil where they become inputs.
  package var embedded: CategoryEncoding? {
    if case .category(let category) = self, category.embedding != nil { category } else { nil }
  }

  /// What writes the inputs of a column's cells.
  func writer(_ cells: ColumnCells) -> any CellWriter { coding.writer(cells) }

  /// What the user should know of some rows' cells.
  func notices(_ cells: ColumnRows) throws(FileError) -> [String] { try coding.notices(cells) }

  var json: JSONObject {
    var object: JSONObject = ["kind": .string(kind.rawValue)]
    for (key, value) in coding.json.members { object[key] = value }
    return object
  }

  init?(_ json: JSONValue) {
    switch json["kind"]?.stringValue.flatMap(ColumnKind.init) {
    case .number:
      guard let coding = NumberEncoding(json) else { return nil }
      self = .number(coding)
    case .category:
      guard let coding = CategoryEncoding(json) else { return nil }
      self = .category(coding)
    case .boolean:
      guard let coding = BooleanEncoding(json) else { return nil }
      self = .boolean(coding)
    case .date:
      guard let coding = DateEncoding(json) else { return nil }
      self = .date(coding)
    case .id, .ignore, nil: return nil
    }
  }
}
