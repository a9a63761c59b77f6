import LockstepFiles
import LockstepTestSupport
import Testing

import LockstepDatasets

@Suite struct TokenContentTests {
  private func message(_ body: () throws -> Void) -> String {
    do { try body() } catch { return "\(error)" }
    return ""
  }

  private func description(_ tokenizer: any DescribedTokenizer, window: Int = 4)
    -> TokensDescription
  {
    TokensDescription(
      window: window, vocabulary: tokenizer.vocabulary, tokenizer: tokenizer.json)
  }

  @Test("a description survives its file, with the tokenizer")
  func json() throws {
    let tokenizer = try CharacterTokenizer(fitting: "añ \n\"🙂")
    let content = try TokenContent(
      TokenizedText("aañ añ\n\"🙂", name: "t").stream(tokenizer), as: description(tokenizer))
    var described = try content.describe()
    described.training = try content.part(as: described).summary
    let read = try DataDescription(
      parsing: Array(described.json.compactText.utf8), source: "data.json")
    #expect(read == described)
    #expect(read.inputShape == [4])
    guard case .tokens(let tokens) = read.input else {
      Issue.record("no tokens")
      return
    }
    #expect(try tokens.textTokenizer() as? CharacterTokenizer == tokenizer)
    #expect(throws: DatasetError.self) { try content.strata() }
    #expect(throws: DatasetError.self) { try content.part(as: described).dataset }
  }

  @Test("a later file is read by the tokenizer of training; what it lacks is named")
  func later() throws {
    let directory = TemporaryDirectory()
    let path = directory.file("later.txt")
    let tokenizer = try CharacterTokenizer(fitting: "abc\n")
    let known = DataDescription(
      input: .tokens(description(tokenizer)),
      target: TargetDescription(kind: .classes(ClassNames(count: 4))))
    try AtomicFile.write(path, text: "cab\ncabba")
    let part = try known.read(path).part
    #expect(part.examples.count == 2)
    var values = [Int32](repeating: 0, count: 4)
    try values.withUnsafeMutableBufferPointer {
      try part.examples.read(part.examples.inputFields[0], of: [1], into: $0)
    }
    #expect(values == [3, 1, 2, 2])
    try AtomicFile.write(path, text: "cab\ncaxba")
    #expect(
      message { _ = try known.read(path) }.contains(
        "\(path): line 2, column 3: the character 'x' (U+0078)"))
    try AtomicFile.write(path, text: "cab")
    #expect(message { _ = try known.read(path) }.contains("has 3 tokens, and a window"))
    try AtomicFile.write(path, bytes: [97, 98, 0xFF, 97, 98, 99])
    #expect(message { _ = try known.read(path) }.contains("\(path): byte 2 is no UTF-8"))
    #expect(message { _ = try known.read(path, id: "n") }.contains("leave the column 'n' out"))
    #expect(message { _ = try known.read(path, labels: "l") }.contains("leave the labels' file"))
    // Bytes need no UTF-8.
    let bytes = DataDescription(
      input: .tokens(description(ByteTokenizer())),
      target: TargetDescription(kind: .classes(ClassNames(count: 256))))
    #expect(try bytes.read(path).part.examples.count == 1)
  }

  @Test("weights of other characters are in conflict, of other numbers of them not")
  func conflict() throws {
    func described(_ text: String) throws -> DataDescription {
      DataDescription(
        input: .tokens(description(try CharacterTokenizer(fitting: text))),
        target: TargetDescription(kind: .classes(ClassNames(count: text.count))))
    }
    #expect(
      try described("abd").conflict(withTrainingOn: described("abc"))
        == "the tokens are the characters 'abd', and the weights were trained on the characters 'abc'"
    )
    #expect(try described("abc").conflict(withTrainingOn: described("abc")) == nil)
    #expect(try described("abcd").conflict(withTrainingOn: described("abc")) == nil)
  }

  @Test("a text's vocabulary is that of its first part alone")
  func vocabulary() throws {
    let text = TokenizedText("abababab" + "cc", name: "t")
    #expect(try text.characters().vocabulary == 3)
    let fitted = try text.characters(testFraction: 0.2)
    #expect(fitted.vocabulary == 2)
    #expect(
      message { _ = try text.stream(fitted) }.contains("t: line 1, column 9: the character 'c'"))
  }
}
