import LockstepFiles
import LockstepTestSupport
import Testing

@Suite struct FileLinesTests {
  private struct Read: Equatable {
    let text: String
    let number: Int
    let isWhole: Bool
  }

  private func lines(_ text: String, limit: Int = 64 << 20) throws -> [Read] {
    let directory = TemporaryDirectory()
    let file = try FileInput(directory.write(Array(text.utf8)))
    var lines: [Read] = []
    try file.forEachLine(limit: limit) { line in
      lines.append(
        Read(
          text: String(decoding: line.bytes, as: UTF8.self), number: line.number,
          isWhole: line.isWhole))
    }
    return lines
  }

  @Test func blankLinesCountAndAreLeftOut() throws {
    #expect(
      try lines("a\n\n \r\nb\n") == [
        Read(text: "a", number: 1, isWhole: true), Read(text: "b", number: 4, isWhole: true),
      ])
    #expect(try lines("").isEmpty)
    #expect(try lines("\n\n").isEmpty)
  }

  /// A writer that died in the middle of a line leaves one without an end.
  @Test func aLineWithoutAnEndIsNotWhole() throws {
    let read = try lines("first\nsec")
    #expect(read.map(\.text) == ["first", "sec"] && read.map(\.isWhole) == [true, false])
  }

  /// Lines come whole, wherever a block of the file ends.
  @Test func blocksCutNoLine() throws {
    let texts = (0..<3_000).map { "\($0) " + String(repeating: "x", count: $0 * 7 % 1_000) }
    let read = try lines(texts.joined(separator: "\n") + "\n")
    #expect(read.map(\.text) == texts)
    #expect(read.map(\.number) == Array(1...texts.count))
  }

  @Test func aLineThatIsTooLongIsNamed() throws {
    let text = "a\n" + String(repeating: "x", count: 5_000)
    let error = #expect(throws: FileError.self) { _ = try lines(text, limit: 4_000) }
    #expect(error?.kind == .tooLarge)
    #expect(error?.reason == "line 2 is longer than 4000 bytes")
  }
}
