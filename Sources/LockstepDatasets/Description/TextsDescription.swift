import LockstepFiles

/// Texts of a table, one a row: their column, their vocabulary, and what they are padded to.
package struct TextsDescription: Sendable, Equatable {
  static let kind = "texts"

  /// The texts' column.
  package var column: String
  /// The tokens.
  package var vocabulary: TextVocabulary
  /// The lengths that texts are padded to.
  package var lengths: PaddedLengths
  /// Whether the rest of a text that is longer than the longest of them is cut off.
  package var cuts: Bool
  /// The column that names a row; nil for none.
  package var id: String?
  /// How tables are written.
  package var dialect: CSVDialect

  /// The columns whose texts are needed as they are written.
  func texts(id other: String? = nil) -> Set<String> {
    Set([column] + [id, other].compactMap { $0.map(CellText.trimmed) })
  }

  /// What they are, in words.
  package var summary: String {
    "texts of at most \(counted(lengths.longest, "token")) of \(vocabulary.size), "
      + vocabulary.unit.rawValue
  }

  /// Why weights that were trained on other texts mean something else on these; nil where they mean the same,
  /// or where shapes tell.
  func difference(from other: TextsDescription) -> String? {
    guard vocabulary != other.vocabulary, vocabulary.size == other.vocabulary.size else {
      return nil
    }
    return
      "the tokens are other \(vocabulary.unit.rawValue) than those that the weights were trained on "
      + "(\(vocabulary.entries.count) and \(other.vocabulary.entries.count) of them)"
  }

  // MARK: JSON

  var json: JSONValue {
    var object = JSONObject()
    object["kind"] = .string(Self.kind)
    object["column"] = .string(column)
    object["tokenizer"] = .string(vocabulary.unit.rawValue)
    object["vocabulary"] = .integer(vocabulary.size)
    object["entries"] = .array(vocabulary.entries.map { .string($0) })
    object["lengths"] = .array(lengths.values.map { .integer($0) })
    object["cuts"] = .bool(cuts)
    object["id"] = id.map { .string($0) } ?? .null
    for (key, value) in dialect.json.members { object[key] = value }
    return .object(object)
  }

  init?(_ json: JSONValue) {
    guard let column = json["column"]?.stringValue,
      let unit = json["tokenizer"]?.stringValue.flatMap(TextVocabulary.Unit.init),
      let size = json["vocabulary"]?.integerValue, size <= Int(Int32.max),
      let entries = json["entries"]?.arrayValue?.compactMap(\.stringValue),
      let vocabulary = TextVocabulary(unit: unit, size: size, entries: entries),
      let lengths = PaddedLengths(json["lengths"]?.arrayValue?.compactMap(\.integerValue) ?? []),
      let cuts = json["cuts"]?.boolValue,
      let dialect = CSVDialect(json)
    else { return nil }
    self.init(
      column: column, vocabulary: vocabulary, lengths: lengths, cuts: cuts,
      id: json["id"]?.stringValue, dialect: dialect)
  }

  init(
    column: String, vocabulary: TextVocabulary, lengths: PaddedLengths, cuts: Bool, id: String?,
    dialect: CSVDialect
  ) {
    self.column = column
    self.vocabulary = vocabulary
    self.lengths = lengths
    self.cuts = cuts
    self.id = id
    self.dialect = dialect
  }
}
