import LockstepDatasets
import LockstepFiles
import LockstepTestSupport
import Testing

@Suite struct CSVTableTests {
  private func table(_ text: String, delimiter: Unicode.Scalar = ",") throws -> CSVTable {
    try CSVTable.parse(Array(text.utf8), path: "t.csv", CSVDialect(delimiter: delimiter))
  }

  private func cells(_ table: CSVTable) -> [[String]] {
    (0..<table.rowCount).map { row in
      table.columns.indices.map { table.text(row: row, column: $0) }
    }
  }

  private func message(_ body: () throws -> Void) -> String? {
    #expect(throws: FileError.self, performing: body)?.description
  }

  @Test(
    "line ends, quotes, byte-order mark, blank lines",
    arguments: [
      "a,b\n1,2\n3,4\n", "a,b\n1,2\n3,4", "a,b\r\n1,2\r\n3,4\r\n", "\u{feff}a,b\n1,2\n3,4\n",
      "\"a\",\"b\"\n\"1\",2\n3,\"4\"", "a,b\n\n1,2\n\r\n3,4\n\n",
    ])
  func forms(text: String) throws {
    let table = try table(text)
    #expect(table.columns == ["a", "b"])
    #expect(cells(table) == [["1", "2"], ["3", "4"]])
  }

  @Test("quoted fields hold delimiters, quotes and line breaks")
  func quotes() throws {
    let table = try table("a,\"b,\"\"c\"\"\"\n\"x\r\ny\n\",\n,\"\"\n")
    #expect(table.columns == ["a", "b,\"c\""])
    #expect(cells(table) == [["x\r\ny\n", ""], ["", ""]])
  }

  @Test("other delimiters; a single column; a compressed file")
  func variants() throws {
    #expect(cells(try table("a;b\n1,5;2\n", delimiter: ";")) == [["1,5", "2"]])
    #expect(cells(try table("a\n1\n\n2\n")) == [["1"], [""], ["2"]])
    #expect(try table(" a ,\tb\u{a0}\n1,2\n").columns == ["a", "b"])
    let directory = TemporaryDirectory()
    let path = directory.write(gzipped(Array("a,b\n1,2".utf8)))
    #expect(cells(try CSVTable.read(path)) == [["1", "2"]])
    #expect(
      message { _ = try table("a", delimiter: "é") }
        == "t.csv: 'é' cannot be the delimiter of a table")
  }

  @Test("malformed tables: file, line, expected, found")
  func refusals() {
    #expect(message { _ = try table("") } == "t.csv: is empty; expected a header row")
    #expect(message { _ = try table("a,b,a\n") } == "t.csv: the header has the column 'a' twice")
    #expect(
      message { _ = try table("a,b\n\"x\ny\",2\n3\n") }
        == "t.csv: line 4: expected 2 fields, found 1")
    #expect(
      message { _ = try table("a,b\n1,\"2\n3\n") }
        == "t.csv: line 2: a quoted field has no closing quote")
    #expect(
      message { _ = try table("a,b\n1,\"2\"3\n") }
        == "t.csv: line 2: expected the end of a field behind its closing quote")
    #expect(
      message { _ = try CSVTable.parse([0x61, 0x0a, 0xff, 0x0a], path: "t.csv") }
        == "t.csv: line 2, column 'a': byte 1 of the cell is not UTF-8, and nothing is repaired; convert the "
        + "file: iconv -f LATIN1 -t UTF-8 FILE > NEW")
    #expect(message { _ = try table("a, a\n") } == "t.csv: the header has the column 'a' twice")
    #expect(
      message { _ = try table("a,,b, \n") }
        == "t.csv: the columns 2 and 4 have no name in the header; give them names")
    #expect(
      message { _ = try table("a;b\n1;2\n").column("b") }
        == "t.csv: has no column 'b'; its header is one column, 'a;b': is the delimiter ';'?")
    #expect(
      message { _ = try table("radius,mass\n").column("raduis") }
        == "t.csv: has no column 'raduis'; did you mean 'radius'?")
  }

  @Test(
    "other encodings and line ends are named, with what converts them",
    arguments: [
      ([0xff, 0xfe, 0x61, 0, 0x0a, 0], "UTF-16LE"), ([0xfe, 0xff, 0, 0x61, 0, 0x0a], "UTF-16BE"),
      ([0x61, 0, 0x2c, 0, 0x62, 0, 0x0a, 0], "UTF-16LE"),
      ([0, 0x61, 0, 0x2c, 0, 0x62, 0, 0x0a], "UTF-16BE"),
      ([0xff, 0xfe, 0, 0, 0x61, 0, 0, 0], "UTF-32LE"),
      (Array("a,b\r1,2\r3,4\r".utf8), "CR alone"), (Array("a,b\r1,2\r3,4\n".utf8), "CR"),
      ([0x61, 0x2c, 0x62, 0x0a, 0, 0x2c, 0x31], "byte 5 is zero"),
    ] as [([UInt8], String)])
  func encodings(bytes: [UInt8], name: String) {
    let text = message { _ = try CSVTable.parse(bytes, path: "t.csv") }
    #expect(text?.contains(name) == true, "\(text ?? "")")
  }

  @Test(
    "a CR that ends no line is named, in quoted and in unquoted rows",
    arguments: [
      ("\"a\",\"b\",\"y\"\r1,2,x\r3,4,y\r", "t.csv: its lines end in CR alone"),
      ("a,b,\"y\"\r1,2,x\n", "t.csv: its lines end in CR alone"),
      (
        "a,b,y\n1,2,x\r3,4,y\r",
        "t.csv: line 2: expected 3 fields, found 5; it holds a CR that ends no line; convert the file: "
          + "tr '\\r' '\\n' < FILE > NEW"
      ),
      ("a,b\n1,2\n3,\"x\"\r5,6\n", "t.csv: line 3 holds a CR that ends no line; convert the file"),
    ])
  func carriageReturns(text: String, reason: String) throws {
    let found = message { _ = try table(text) }
    #expect(found?.hasPrefix(reason) == true, "\(found ?? "")")
  }

  @Test("a CR at the very end of a file is no fault; one in the number of a single column is named")
  func lastCarriageReturn() throws {
    #expect(cells(try table("a,b\n1,\"x\"\r")) == [["1", "x"]])
    let single = try table("a\n1\r2\r")
    let found = message { _ = try single.number(row: 0, column: 0) }
    #expect(found?.contains("convert the file: tr") == true, "\(found ?? "")")
  }

  @Test("a compressed table that is too long is refused before it is scanned, in little memory")
  func longTables() async {
    await #expect(processExitsWith: .success) {
      let rows = gzipped(Array(repeatElement(Array("1,2,0\n".utf8), count: 150_000).joined()))
      var file = gzipped(Array("a,b,t\n".utf8))
      for _ in 0..<300 { file += rows }
      let directory = TemporaryDirectory()
      let path = directory.write(file)
      withMemoryBound(growth: 32 << 20, seconds: 20) {
        let error = #expect(throws: FileError.self) {
          try CSVTable.read(path, limit: 200 << 20)
        }
        #expect(error?.kind == .tooLarge)
      }
    }
  }

  @Test("reading ends where the program is asked to stop, plain and compressed")
  func stops() throws {
    let directory = TemporaryDirectory()
    let bytes = Array("a,t\n1,0\n".utf8)
    for content in [bytes, gzipped(bytes)] {
      let path = directory.write(content)
      let error = #expect(throws: FileError.self) {
        try ReadingStop.heeding({ true }) { _ = try CSVTable.read(path) }
      }
      #expect(error?.reason.contains("asked to stop") == true)
      #expect(try CSVTable.read(path).rowCount == 1)
    }
  }

  @Test("numbers, missing values, and what is neither")
  func numbers() throws {
    let table = try table("a,b\n1.5, -2e3 \n,NA\nNaN,?\n0x10,inf\n1e999,1_000\nnull,12a\n")
    #expect(try table.number(row: 0, column: 0) == 1.5)
    #expect(try table.number(row: 0, column: 1) == -2000)
    for (row, column) in [(1, 0), (1, 1), (2, 0), (2, 1), (5, 0)] {
      #expect(try table.number(row: row, column: column) == nil)
    }
    for (row, column, text) in [
      (3, 0, "0x10"), (3, 1, "inf"), (4, 0, "1e999"), (4, 1, "1_000"), (5, 1, "12a"),
    ] {
      #expect(
        message { _ = try table.number(row: row, column: column) }
          == "t.csv: line \(row + 2), column '\(table.columns[column])': expected a number, "
          + "found '\(text)'")
    }
  }

  @Test("damaged tables never crash")
  func fuzz() async {
    await #expect(processExitsWith: .success) {
      let text = Array("a,\"b\",t\r\n1.5,-2,0\r\n\"3\",4e2,1\r\n5,\"6\",1\r\n".utf8)
      var mutator = Mutator(seed: 6)
      var loaded = 0
      withMemoryBound {
        for _ in 0..<6000 {
          let bytes = mutator.mutate(text)
          guard let table = try? CSVTable.parse(bytes, path: "t.csv") else { continue }
          for kind in [TargetKind.classes, .values] {
            if let data = try? Dataset.table(
              table, name: "t", target: "t", as: kind, missing: .fill(0))
            {
              loaded += 1
              #expect(data.count == table.rowCount)
            }
          }
        }
      }
      #expect(loaded > 200)
      #expect(loaded < 10_000)
    }
  }
}

@Suite struct DatasetCSVTests {
  private func data(
    _ text: String, target: String = "t", as kind: TargetKind = .classes,
    ignoring: [String] = [], missing: MissingValues = .refuse
  ) throws -> Dataset {
    try Dataset.table(
      try CSVTable.parse(Array(text.utf8), path: "t.csv"), name: "t", target: target, as: kind,
      ignoring: ignoring, missing: missing)
  }

  private func message(_ body: () throws -> Void) -> String? {
    #expect(throws: FileError.self, performing: body)?.description
  }

  private func inputs(_ data: Dataset) -> [Float] {
    if case .floats(let values) = data.inputs { values } else { [] }
  }

  @Test("features in the header's order, the target wherever it stands")
  func columns() throws {
    let data = try data("a,t,id,b\n1,0,7,2\n3,2,8,4\n", ignoring: ["id"])
    #expect(inputs(data) == [1, 2, 3, 4])
    #expect(data.inputShape == [2])
    #expect(data.classCount == 3)
    #expect(data.strata == [0, 2])
  }

  @Test("targets: numbers, classes written as decimals, names in sorted order")
  func targets() throws {
    guard case .targets(let values, 1) = try data("a,t\n1,0.5\n2,-1\n", as: .values).labels else {
      Issue.record("expected targets")
      return
    }
    #expect(values == [0.5, -1])
    #expect(try data("a,t\n1,1.0\n2,0.0\n").strata == [1, 0])
    let named = try data("a,t\n1,M\n2,B\n3,M\n")
    #expect(named.strata == [1, 0, 1])
    #expect(named.classCount == 2)
  }

  @Test("missing features are refused with their place, or filled")
  func missing() throws {
    #expect(
      message { _ = try data("a,b,t\n1,2,0\n1,,1\n") }
        == "t.csv: line 3, column 'b': the value is missing: fill it in, remove the line, or set "
        + "'data.fillMissing' to a number, 'mean' or 'median'")
    #expect(inputs(try data("a,b,t\n1,,0\n", missing: .fill(-1))) == [1, -1])
    #expect(
      message { _ = try data("a,t\n1,\n", missing: .fill(0)) }
        == "t.csv: line 2, column 't': the target is missing")
    #expect(
      message { _ = try data("a,t\n1,\n", as: .values, missing: .fill(0)) }
        == "t.csv: line 2, column 't': the target is missing")
  }

  @Test("bad cells and columns are refused with their place")
  func refusals() {
    #expect(
      message { _ = try data("a,t\nx,0\n") }
        == "t.csv: has no features: 'a' holds texts that are no categories, or nothing; say in "
        + "'data.columns' what a column is, such as \"category\"")
    #expect(
      message { _ = try data("a,t\n1,0\n2,0\nx,0\n") }
        == "t.csv: line 4, column 'a': expected a number, found 'x'; 2 of 3 cells of the column are "
        + "numbers; numbers are expected in this column: write it as one, or say in 'data.columns' what the "
        + "column is, or leave it out with 'data.ignore'")
    #expect(
      message { _ = try data("a,t\n1,x\n", as: .values) }
        == "t.csv: line 2, column 't': expected a number, found 'x'; names of classes need "
        + "'data.targetKind' to be 'classes'")
    #expect(
      message { _ = try data("a,t\n1e300,0\n") }
        == "t.csv: line 2, column 'a': 1e+300 is out of the range of Float32")
    #expect(
      message { _ = try data("a,t\n1,0\n1,-1\n") }
        == "t.csv: line 3, column 't': expected a class 0, 1, …, found '-1'; numbers that are no "
        + "classes need 'targetKind' to be 'values'")
    #expect(
      message { _ = try data("a,t\n1,0\n1,x\n") }
        == "t.csv: line 3, column 't': expected a class 0, 1, …, found 'x'")
    #expect(
      message { _ = try data("t\n1\n") } == "t.csv: has no feature columns beside 't'")
    #expect(
      message { _ = try data("a,t\n1,0\n", target: "y") } == "t.csv: has no column 'y'")
    #expect(throws: DatasetError("t", "has no examples")) { try data("a,t\n") }
  }
}
