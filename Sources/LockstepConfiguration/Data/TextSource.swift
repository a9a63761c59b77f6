import LockstepCatalog
import LockstepDatasets
import LockstepFiles

/// A text, whose characters or bytes are tokens. The last part is the test part.
struct TextSource: DataSource {
  /// What a token is.
  enum Tokens: String, CaseIterable, HyperparameterValue {
    case characters
    case bytes
  }

  /// Where the text comes from.
  let text: @Sendable (Tokens) throws -> TokenizedText
  let tokens: Tokens
  let windows: WindowOptions

  var hasTest: Bool { windows.testFraction != nil }
  var cutsItself: Bool { true }
  var followsBatchSize: Bool { windows.starts == .streams }

  func training(_ reading: DataReading) throws -> any DataContent {
    let text = try text(tokens)
    let tokenizer: any DescribedTokenizer =
      if let known = try reading.description?.tokens?.textTokenizer() {
        known
      } else {
        switch tokens {
        case .characters: try text.characters(testFraction: windows.testFraction)
        case .bytes: ByteTokenizer()
        }
      }
    return try windows.training(
      text.stream(tokenizer),
      TokensDescription(
        window: windows.length, vocabulary: tokenizer.vocabulary, tokenizer: tokenizer.json),
      batchSize: reading.batchSize)
  }

  func test(_ reading: DataReading) throws -> (any DataContent)? {
    guard hasTest, let known = reading.description?.tokens,
      let tokenizer = try known.textTokenizer()
    else { return nil }
    return try windows.test(text(tokens).stream(tokenizer), known)
  }

  static let entry = Entry<any DataSource>(
    "text", "a text in UTF-8, whose characters or bytes are predicted one by one",
    [.required("file", .file, "the text")] + keys
  ) { values in
    let file: String = values["file"]
    return TextSource(values) { try TokenizedText(file: file, isBytes: $0 == .bytes) }
  }

  static let kingJames = Entry<any DataSource>(
    "king-james", "a text of 1.27 million characters, 72 different ones; embedded", keys
  ) { values in
    TextSource(values) { _ in TokenizedText(try EmbeddedData.kingJames(), name: "king-james") }
  }

  private init(
    _ values: Hyperparameters, text: @escaping @Sendable (Tokens) throws -> TokenizedText
  ) {
    self.text = text
    tokens = values["tokenizer"]
    windows = WindowOptions(values)
  }

  private static var keys: [Hyperparameter] {
    [.with("tokenizer", Tokens.characters, "what a token is")] + WindowOptions.keys + [
      .optional(
        "testFraction", .number(NumberRange(above: 0, below: 1)),
        "the end of the text of this size is the test part")
    ] + .plainOrder
  }
}

extension DataDescription {
  /// What is known about tokens; nil where the data are none.
  package var tokens: TokensDescription? {
    if case .tokens(let tokens) = input { tokens } else { nil }
  }
}
