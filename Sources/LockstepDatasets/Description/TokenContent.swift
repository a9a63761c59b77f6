import LockstepFiles

/// A row of tokens, from a text or from a file of tokens, which is cut into windows.
package struct TokenContent: DataContent {
  package var count: Int { windows.count }
  package var notices: [String] { [] }
  package var name: String { windows.name }
  package var places: ExamplePlaces { ExamplePlaces(file: name) }

  private let windows: TokenWindows
  private let description: TokensDescription

  /// Windows of a stream.
  ///
  /// - Parameter streams: how many streams windows one behind the other are cut into.
  /// - Throws: ``DatasetError`` where the stream is shorter than a window and the token behind it, or one of its
  ///   first 16 million tokens is not in the vocabulary. Of a longer stream the others are checked when they are
  ///   read.
  package init(
    _ stream: TokenStream, as description: TokensDescription,
    starts: TokenWindows.Starts = .contiguous, streams: Int = 1
  ) throws {
    try stream.check(vocabulary: description.vocabulary, first: 1 << 24)
    windows = try TokenWindows(
      stream, length: description.window, vocabulary: description.vocabulary, starts: starts,
      streams: streams)
    self.description = description
  }

  /// Windows of a file, one behind the other: of a text where training had a tokenizer, else of a file of tokens.
  ///
  /// - Throws: `FileError` that names the place of what does not fit.
  package init(file path: String, as description: TokensDescription) throws {
    guard let tokenizer = try description.textTokenizer() else {
      try self.init(TokenStream(file: path, element: description.element), as: description)
      return
    }
    let text = try TokenizedText(file: path, isBytes: tokenizer is ByteTokenizer)
    try self.init(text.stream(tokenizer), as: description)
  }

  /// Windows overlap and follow each other in time: they have no strata.
  package func strata() throws -> [Int] { throw refusal("cannot be cut by strata") }

  package func describe(_ rows: [Int]?) throws -> DataDescription {
    guard rows == nil else { throw refusal("cannot be cut by rows") }
    return DataDescription(
      input: .tokens(description),
      target: TargetDescription(kind: .classes(ClassNames(count: description.vocabulary))))
  }

  package func part(_ rows: [Int]?, as description: DataDescription) throws -> DataPart {
    guard rows == nil else { throw refusal("cannot be cut by rows") }
    return DataPart(
      windows, places: places,
      summary: PartSummary(
        examples: count, columns: [.init("tokens", windows.stream.fingerprint)], blocks: []))
  }

  private func refusal(_ reason: String) -> DatasetError {
    DatasetError(name, "holds windows of tokens, which \(reason)")
  }
}
