import LockstepDatasets
import LockstepFiles
import Testing

/// Tables of texts, one a row.
@Suite struct TextContentTests {
  private func table(_ text: String) throws -> CSVTable {
    try CSVTable.parse(Array(text.utf8), path: "texts.csv", texts: ["text", "kind", "id"])
  }

  private static let rows = """
    id,text,kind,extra
    1,"The cat, the dog",pet,x
    2,A dog barks at the cat loudly,pet,x
    3,Rain!,weather,x
    """

  private func options(_ change: (inout TextOptions) -> Void = { _ in }) -> TextOptions {
    var table = TableOptions(target: "kind")
    table.id = "id"
    var options = TextOptions(column: "text", table: table)
    options.vocabulary = 20
    options.minCount = 1
    change(&options)
    return options
  }

  private func tokens(_ source: any ExampleSource, _ example: Int) throws -> [Int32] {
    let field = source.inputFields[0]
    var values = [Int32](repeating: -9, count: field.size)
    try values.withUnsafeMutableBufferPointer {
      try source.read(field, of: [example][...], into: $0)
    }
    return values
  }

  /// The reason that reading or fitting gives; empty where there is none.
  private func problem(_ text: String, _ options: TextOptions) -> String {
    do {
      let content = try TextContent(table(text), options)
      _ = try content.part(as: content.describe())
      return ""
    } catch { return "\(error)" }
  }

  @Test("texts become tokens, padded to powers of two; other columns are left out with a notice")
  func reading() throws {
    let content = try TextContent(table(Self.rows), options())
    #expect(content.notices.count == 1 && content.notices[0].contains("'extra'"))
    let description = try content.describe()
    let part = try content.part(as: description)
    let source = try #require(part.examples as? SequenceDataset)
    #expect(source.padding.values == [1, 2, 4, 8])
    #expect(part.ids == ["1", "2", "3"])
    // the 3, cat 2, dog 2, then a, at, barks, loudly, rain.
    #expect(try tokens(source, 0) == [2, 3, 2, 4, 0, 0, 0, 0])
    #expect(try tokens(source, 1) == [5, 4, 7, 6, 2, 3, 8, 0])
    #expect(try tokens(source, 2) == [9, 0, 0, 0, 0, 0, 0, 0])
    #expect(source.inputFields[0].limit == 20)
    #expect(description.target.classes?.names == ["pet", "weather"])
  }

  @Test("the vocabulary is that of the training rows, and survives its file")
  func fitting() throws {
    let content = try TextContent(table(Self.rows), options())
    let description = try content.describe([0])
    guard case .texts(let texts) = description.input else {
      Issue.record("no texts")
      return
    }
    #expect(texts.vocabulary.entries == ["the", "cat", "dog"])
    #expect(try DataDescription(description.json, source: "data.json") == description)
    let later = try table("text,id\nthe bird,7\n")
    let part = try TextContent(
      later, as: texts, description.target, isTargetOptional: true
    ).part(as: description)
    let source = try #require(part.examples as? SequenceDataset)
    #expect(try tokens(source, 0) == [2, 1, 0, 0])
    #expect(part.isLabelled == [false] && part.ids == ["7"])
    #expect(part.notices.count == 1 && part.notices[0].contains("50 % of the words"))
    let rare = try TextContent(table(Self.rows), options { $0.minCount = 2 })
    guard case .texts(let frequent) = try rare.describe().input else {
      Issue.record("no texts")
      return
    }
    #expect(frequent.vocabulary.entries == ["the", "cat", "dog"])
    // Notices about unknown words are of the training part, and of later files.
    #expect(try rare.fittingNotices(nil, as: rare.describe()).isEmpty)
    #expect(try content.fittingNotices([0], as: description).count == 1)
    #expect(try rare.part([0], as: rare.describe()).notices.isEmpty)
  }

  @Test(
    "texts beyond the longest length are cut where lengths were given, else refused with the line")
  func lengths() throws {
    let cut = try TextContent(table(Self.rows), options { $0.lengths = [2, 3] })
    let source = try cut.part(as: cut.describe()).examples
    #expect(try tokens(source, 1) == [5, 4, 7])
    let content = try TextContent(table(Self.rows), options())
    let description = try content.describe([0, 2])
    #expect(throws: FileError.self) { try content.part([1], as: description) }
    do { _ = try content.part([1], as: description) } catch {
      #expect("\(error)".contains("line 3") && "\(error)".contains("7 tokens"))
    }
  }

  @Test("bad tables are refused by line and column")
  func bad() {
    #expect(problem("text,kind\n,a\n", options { $0.table.id = nil }).contains("line 2"))
    #expect(
      problem("text,kind\nx,\n", options { $0.table.id = nil }).contains("target is missing"))
    #expect(problem("text,kind\n", options { $0.table.id = nil }).contains("no rows"))
    #expect(
      problem("txt,kind\nx,a\n", options { $0.table.id = nil }).contains("'txt'"))
    #expect(
      problem("text,kind\n!,a\n?!,a\n", options { $0.table.id = nil }).contains("no words"))
    #expect(
      problem(
        "text,kind\nx,a\n",
        options {
          $0.column = "kind"; $0.table.id = nil
        }
      )
      .contains("name two columns"))
  }
}
