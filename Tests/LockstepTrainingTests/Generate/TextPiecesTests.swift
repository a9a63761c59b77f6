import LockstepDatasets
import Testing

import LockstepTraining

@Suite struct TextPiecesTests {
  private func pieces(
    _ text: String, _ tokenizer: any TextTokenizer, stops: [String] = []
  ) throws -> [String] {
    var pieces = TextPieces(tokenizer, stops: stops)
    var all: [String] = []
    for token in try tokenizer.encode(text) {
      all.append(try pieces.add(token))
      if pieces.hasStopped { break }
    }
    return all + [try pieces.finish()]
  }

  @Test("a character comes when its last byte is there")
  func bytes() throws {
    #expect(
      try pieces("aé€🙂", ByteTokenizer()) == ["a", "", "é", "", "", "€", "", "", "", "🙂", ""])
    var broken = TextPieces(ByteTokenizer(), stops: [])
    #expect(try broken.add(0xE2) == "")
    #expect(try broken.finish() == "\u{FFFD}")
  }

  @Test("a stop ends the text and is no part of it; what only begins as one is")
  func stops() throws {
    let tokenizer = try CharacterTokenizer(fitting: "abcdn.\n")
    let text = "aban.ba..n"
    #expect(try pieces(text, tokenizer, stops: ["..n"]).joined() == "aban.ba")
    #expect(try pieces(text, tokenizer, stops: ["..n", "n."]).joined() == "aba")
    #expect(try pieces(text, tokenizer, stops: ["nn", ""]).joined() == text)
    #expect(try pieces("aab", tokenizer, stops: ["ab"]).joined() == "a")
    // What may begin a stop is held back, and given out at the end.
    #expect(try pieces("a.", tokenizer, stops: ["..n"]) == ["a", "", "."])
  }
}
