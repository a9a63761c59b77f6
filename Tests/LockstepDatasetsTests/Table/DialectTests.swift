import CZstd
import LockstepDatasets
import LockstepFiles
import LockstepTestSupport
import Testing

@Suite struct DialectTests {
  private func cells(_ table: CSVTable) -> [[String]] {
    [table.columns]
      + (0..<table.rowCount).map { row in
        table.columns.indices.map { table.text(row: row, column: $0) }
      }
  }

  private func cells(_ text: String, _ dialect: CSVDialect) throws -> [[String]] {
    cells(try CSVTable.parse(Array(text.utf8), path: "t.csv", dialect))
  }

  private let plain = [["a", "b"], ["1.5", "x"], ["-2", "y"]]

  @Test(
    "the delimiter is found out",
    arguments: [
      "a,b\n1.5,x\n-2,y\n", "a;b\n1.5;x\n-2;y\n", "a\tb\n1.5\tx\n-2\ty\n", "a|b\r\n1.5|x\r\n-2|y",
      "\u{feff}a;b\n1.5;\"x\"\n-2;y\n",
    ])
  func delimiters(text: String) throws {
    #expect(try cells(text, CSVDialect(delimiter: nil)) == plain)
  }

  @Test("a delimiter in quotes, in a comment or in a number is none")
  func delimiterDecoys() throws {
    #expect(
      try cells("a;b\n\"1,2,3\";x\n\"4,5,6\";y\n", CSVDialect(delimiter: nil))
        == [["a", "b"], ["1,2,3", "x"], ["4,5,6", "y"]])
    #expect(
      try cells("# one, two, three\na;b\n1;2\n", CSVDialect(delimiter: nil, comment: "#"))
        == [["a", "b"], ["1", "2"]])
    #expect(
      try cells("a;b\n1,5;2,5\n", CSVDialect(delimiter: nil, hasDecimalComma: true))
        == [["a", "b"], ["1.5", "2.5"]])
    #expect(try cells("a\n1\n", CSVDialect(delimiter: nil)) == [["a"], ["1"]])
  }

  @Test("quotes, comments, decimal commas, no header")
  func forms() throws {
    #expect(try cells("a,b\n'1.5',x\n-2,'y'\n", CSVDialect(quote: "'")) == plain)
    #expect(
      try cells("a,b\n1.5,\"x\n-2,y\n", CSVDialect(quote: nil)) == [
        ["a", "b"], ["1.5", "\"x"], ["-2", "y"],
      ])
    #expect(try cells("#1\na,b\n#,,,\n1.5,x\n-2,y\n#", CSVDialect(comment: "#")) == plain)
    #expect(
      try cells("a;b\n1,5;x\n-2;y\n", CSVDialect(delimiter: ";", hasDecimalComma: true)) == plain)
    #expect(
      try cells("1.5,x\n-2,y\n", CSVDialect(hasHeader: false)) == [
        ["column_1", "column_2"], ["1.5", "x"], ["-2", "y"],
      ])
  }

  @Test("lines are counted through comments")
  func lines() throws {
    let table = try CSVTable.parse(
      Array("# a\nx\n# b\n1\n# c\n# d\n2\n".utf8), path: "t.csv", CSVDialect(comment: "#"))
    #expect((0..<2).map { table.line(ofRow: $0) } == [4, 7])
  }

  @Test("a text far down makes a column one of texts, and all others stay as they were")
  func lateTexts() throws {
    let rows = (0..<3000).map { "\($0 % 7 == 0 ? "007" : "1.50"),\($0)" }
    let text = "a,b\n" + rows.joined(separator: "\n") + "\nlast,3000\n"
    let table = try CSVTable.parse(Array(text.utf8), path: "t.csv")
    #expect(table.text(row: 0, column: 0) == "007")
    #expect(table.text(row: 1, column: 0) == "1.50")
    #expect(table.text(row: 3000, column: 0) == "last")
    for row in 0...3000 { #expect(try table.number(row: row, column: 1) == Double(row)) }
  }

  @Test("several files, columns in any order; a fault names its file")
  func files() throws {
    let directory = TemporaryDirectory()
    let (first, second) = (
      directory.write(Array("a,b\n1.5,x\n".utf8), to: "first"),
      directory.write(Array("b,a\ny,-2\n".utf8), to: "second")
    )
    #expect(cells(try CSVTable.read([first, second])) == plain)
    let other = directory.write(Array("a,c\n1,2\n".utf8), to: "other")
    let mismatch = #expect(throws: FileError.self) { try CSVTable.read([first, other]) }
    #expect(
      mismatch?.description
        == "\(other): has other columns than the table's first file: it lacks 'b' and has 'c' besides"
    )
    let gap = directory.write(Array("a,b\n3,\n".utf8), to: "gap")
    let table = try CSVTable.read([first, second, gap])
    #expect((0..<3).map { table.line(ofRow: $0) } == [2, 2, 2])
    let fault = #expect(throws: FileError.self) {
      try TableContent(table, TableOptions(target: "b"))
    }
    #expect(fault?.description == "\(gap): line 2, column 'b': the target is missing")
    var options = TableOptions(target: "a")
    options.kind = .values
    let content = try TableContent(table, options)
    #expect(content.places.text(1) == "line 2 of \(second)")
  }

  @Test("patterns name files in the order of their names, numbers in theirs")
  func patterns() throws {
    let directory = TemporaryDirectory()
    for name in ["part-2.csv", "part-10.csv", "part-1.csv", "other.csv"] {
      _ = directory.write(Array("a\n1\n".utf8), to: name)
    }
    let path = directory.file("part-1.csv")
    #expect(
      try TableFile.matching([directory.file("part-*.csv")])
        == ["part-1.csv", "part-2.csv", "part-10.csv"].map(directory.file))
    #expect(try TableFile.matching([path]) == [path])
    let twice = #expect(throws: FileError.self) { try TableFile.matching([path, path]) }
    #expect(twice?.reason == "is named twice among the files that are read")
    let none = #expect(throws: FileError.self) {
      try TableFile.matching([directory.file("none-*")])
    }
    #expect(none?.reason == "no file matches this pattern")
  }

  private func zstandard(_ bytes: [UInt8]) -> [UInt8] {
    var output = [UInt8](repeating: 0, count: ZSTD_compressBound(bytes.count))
    let count = ZSTD_compress(&output, output.count, bytes, bytes.count, 3)
    return Array(output[..<count])
  }

  @Test("Zstandard: frames, cut ends, damage")
  func zstandard() throws {
    let directory = TemporaryDirectory()
    let rows = (0..<100_000).map { "\($0),x\n" }.joined()
    let frames = zstandard(Array(("a,b\n" + rows).utf8)) + zstandard(Array("7,y\n".utf8))
    let table = try CSVTable.read(directory.write(frames))
    #expect(table.rowCount == 100_001)
    #expect(table.text(row: 100_000, column: 1) == "y")
    let cut = #expect(throws: FileError.self) {
      try CSVTable.read(directory.write(Array(frames.dropLast(3))))
    }
    #expect(cut?.reason.contains("truncated") == true, "\(cut?.reason ?? "")")
    var damaged = frames
    for place in 20..<60 { damaged[place] ^= 0x5a }
    #expect(throws: FileError.self) { try CSVTable.read(directory.write(damaged)) }
    let long = #expect(throws: FileError.self) {
      try CSVTable.read(directory.write(frames), limit: 5000)
    }
    #expect(long?.kind == .tooLarge)
  }
}
