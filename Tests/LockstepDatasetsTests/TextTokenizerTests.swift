import LockstepDatasets
import LockstepFiles
import LockstepTestSupport
import Testing

@Suite struct TextTokenizerTests {
  private func message(_ body: () throws -> Void) -> String {
    do { try body() } catch { return "\(error)" }
    return ""
  }

  @Test("characters are numbered in sorted order, as Python's sorted(list(set(text)))")
  func characters() throws {
    let tokenizer = try CharacterTokenizer(fitting: "hello, wörld\n")
    // Python: sorted(list(set("hello, wörld\n")))
    #expect(tokenizer.scalars == ["\n", " ", ",", "d", "e", "h", "l", "o", "r", "w", "ö"])
    #expect(try tokenizer.encode("low\n") == [6, 7, 9, 0])
    #expect(try tokenizer.decode([5, 10, 6]) == "höl")
  }

  @Test(
    "decoding what was encoded gives the text back", arguments: ["", "abc", "añb\u{301}😀\r\nz"])
  func roundTrip(_ text: String) throws {
    let characters = try CharacterTokenizer(fitting: "xyz" + text)
    #expect(try characters.decode(characters.encode(text)) == text)
    #expect(try characters.encode(text).count == text.unicodeScalars.count)
    let bytes = ByteTokenizer()
    #expect(try bytes.decode(bytes.encode(text)) == text)
    #expect(try bytes.encode(text).allSatisfy { (0..<256).contains($0) })
  }

  @Test("an unknown character is named with its line and column")
  func unknown() throws {
    let tokenizer = try CharacterTokenizer(fitting: "ab\n")
    let text = message { _ = try tokenizer.encode("ab\nbéa") }
    #expect(text.contains("line 2, column 2") && text.contains("'é' (U+00E9)"), "\(text)")
    #expect(message { _ = try tokenizer.encode("a\tb") }.contains("column 2: the character U+0009"))
    #expect(message { _ = try tokenizer.decode([0, 3]) }.contains("token 1 is 3"))
    #expect(message { _ = try ByteTokenizer().decode([256]) }.contains("0...255"))
    #expect(message { _ = try CharacterTokenizer(fitting: "") }.contains("empty"))
    #expect(
      message { _ = try CharacterTokenizer(scalars: ["a", "a"]) }.contains("'a' (U+0061) twice"))
  }

  @Test("a tokenizer is read back from JSON")
  func json() throws {
    for tokenizer in [
      try CharacterTokenizer(fitting: "né\"\n\u{0}\u{301}😀") as any DescribedTokenizer,
      ByteTokenizer(),
    ] {
      let text = tokenizer.json.compactText
      let read = try TextTokenizers.read(
        JSONValue.parse(Array(text.utf8), source: "data.json"), source: "data.json")
      #expect(read.vocabulary == tokenizer.vocabulary)
      #expect(try read.encode("n\u{301}") == tokenizer.encode("n\u{301}"))
    }
    let refused = message { _ = try TextTokenizers.read(["kind": "words"], source: "data.json") }
    #expect(refused.contains("data.json"))
  }

  @Test(
    "invalid UTF-8 is named by the byte's offset",
    arguments: [
      ([0x61, 0xC3, 0xA9, 0xFF, 0x62], 3), ([0x61, 0xE2, 0x82], 1), ([0x80], 0),
      ([0xF0, 0x9F, 0x98, 0x80, 0xED, 0xA0, 0x80], 4),
    ])
  func invalid(_ bytes: [UInt8], _ offset: Int) throws {
    let directory = TemporaryDirectory()
    let path = directory.write(bytes, to: "text.txt")
    let text = message { _ = try TextTokenizers.text(ofFile: path) }
    #expect(text.contains("text.txt") && text.contains("byte \(offset) is no UTF-8"), "\(text)")
    _ = directory.write(Array("añ".utf8), to: "text.txt")
    #expect(try TextTokenizers.text(ofFile: path) == "añ")
  }
}
