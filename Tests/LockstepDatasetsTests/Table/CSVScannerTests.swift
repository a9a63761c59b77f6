import LockstepDatasets
import LockstepFiles
import LockstepTestSupport
import Testing

@Suite struct CSVScannerTests {
  /// What a table holds, or what is wrong with it.
  private static func scan(_ bytes: [UInt8], pieces: [Int]) -> String {
    do {
      var (parts, start): ([[UInt8]], Int) = ([], 0)
      for count in pieces + [bytes.count] where start < bytes.count {
        let end = min(start + count, bytes.count)
        parts.append(Array(bytes[start..<end]))
        start = end
      }
      let table = try CSVTable.parse(pieces: parts, path: "t.csv")
      let cells = (0..<table.rowCount).flatMap { row in
        table.columns.indices.map { table.text(row: row, column: $0) }
      }
      return "\(table.columns) \(cells) \((0..<table.rowCount).map { table.line(ofRow: $0) })"
    } catch { return "\(error)" }
  }

  @Test("where the bytes are cut into pieces makes no difference")
  func pieces() async {
    await #expect(processExitsWith: .success) {
      let text = Array(
        "\u{feff}a,\"b\"\"\",ü\r\n1,,\"x\r\ny\"\n\n\"\",\"2\"\"\",3\r\n\r,4\r\r\n".utf8)
      var mutator = Mutator(seed: 8)
      withMemoryBound {
        for round in 0..<2000 {
          let bytes = round == 0 ? text : mutator.mutate(text)
          let whole = CSVScannerTests.scan(bytes, pieces: [])
          for pieces in [bytes.map { _ in 1 }, bytes.indices.map { 1 + $0 % 4 }] {
            #expect(CSVScannerTests.scan(bytes, pieces: pieces) == whole)
          }
        }
      }
    }
  }

  @Test("lines are counted through quotes and blank lines")
  func lines() {
    #expect(
      Self.scan(Array("a,b\n1,2\n\n\n3,\"x\ny\"\n5,6\n7,8".utf8), pieces: [])
        == #"["a", "b"] ["1", "2", "3", "x\ny", "5", "6", "7", "8"] [2, 5, 7, 8]"#)
  }

  @Test("a row of commas without end is refused early, in little memory")
  func bombs() async {
    await #expect(processExitsWith: .success) {
      let commas = gzipped([UInt8](repeating: UInt8(ascii: ","), count: 1 << 20))
      let directory = TemporaryDirectory()
      for start in ["", "a,b\n", "a,b\n1,2\n", "a\n\""] {
        var file = gzipped(Array(start.utf8))
        for _ in 0..<300 { file += commas }
        let path = directory.write(file)
        withMemoryBound(growth: 128 << 20) {
          let error = #expect(throws: FileError.self) { try CSVTable.read(path) }
          let reason = error?.reason ?? ""
          #expect(
            reason.contains("the column '' twice") || reason.contains("more than 1048576 columns")
              || reason.contains("found more than") || reason.contains("longer than"), "\(reason)")
        }
      }
    }
  }

  @Test("other encodings and line ends are named")
  func encodings() {
    #expect(
      Self.scan([0xff, 0xfe, 0x61, 0, 0x0a, 0], pieces: [])
        == "t.csv: the text is in UTF-16LE, not in UTF-8; convert it: iconv -f UTF-16LE -t UTF-8 FILE > NEW"
    )
    #expect(
      Self.scan(Array("a,b\r1,2\r3,4\r".utf8), pieces: [])
        == "t.csv: its lines end in CR alone, as old Mac programs write them; convert it: tr '\\r' '\\n' < FILE > NEW"
    )
  }
}
