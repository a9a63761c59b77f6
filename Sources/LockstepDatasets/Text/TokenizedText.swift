import LockstepFiles

/// A text on its way to tokens, which says in errors where it came from.
package struct TokenizedText: Sendable {
  /// Its name: a file's path.
  package let name: String
  private let content: Content

  private enum Content {
    case text(String)
    case bytes([UInt8])
  }

  /// A text in memory.
  package init(_ text: String, name: String) {
    self.name = name
    content = .text(text)
  }

  /// The text of a file.
  ///
  /// - Parameter isBytes: whether bytes are the tokens, so that the file need not be UTF-8.
  /// - Throws: `FileError` where it cannot be read, or names the first byte that is no UTF-8.
  package init(file path: String, isBytes: Bool) throws(FileError) {
    name = path
    content =
      isBytes
      ? .bytes(try FileInput.contents(of: path, limit: 4 << 30))
      : .text(try TextTokenizers.text(ofFile: path))
  }

  /// The tokenizer whose vocabulary is the characters of the first part of the text.
  ///
  /// - Parameter testFraction: the share of the text behind it; nil for none.
  /// - Throws: `FileError` for an empty text.
  package func characters(testFraction: Double? = nil) throws(FileError) -> CharacterTokenizer {
    let text: String =
      switch content {
      case .text(let text): text
      case .bytes(let bytes): String(decoding: bytes, as: UTF8.self)
      }
    do throws(TextError) {
      guard let testFraction else { return try CharacterTokenizer(fitting: text) }
      // As a stream of tokens is cut.
      let count = Int(Double(text.unicodeScalars.count) * (1 - testFraction))
      var seen: Set<Unicode.Scalar> = []
      for scalar in text.unicodeScalars.prefix(count) { seen.insert(scalar) }
      return try CharacterTokenizer(scalars: seen.sorted())
    } catch { throw fault(error) }
  }

  /// The tokens.
  ///
  /// - Throws: `FileError` that names the line and the column of a character that has no token.
  package func stream(_ tokenizer: any TextTokenizer) throws(FileError) -> TokenStream {
    let tokens: [Int32]
    switch content {
    case .bytes(let bytes) where tokenizer is ByteTokenizer:
      return TokenStream(bytes.map { UInt16($0) }, name: name)
    case .bytes(let bytes): tokens = try encode(String(decoding: bytes, as: UTF8.self), tokenizer)
    case .text(let text): tokens = try encode(text, tokenizer)
    }
    return tokenizer.vocabulary <= 1 << 16
      ? TokenStream(tokens.map { UInt16(truncatingIfNeeded: $0) }, name: name)
      : TokenStream(tokens, name: name)
  }

  private func encode(
    _ text: String, _ tokenizer: any TextTokenizer
  ) throws(FileError) -> [Int32] {
    do throws(TextError) { return try tokenizer.encode(text) } catch { throw fault(error) }
  }

  private func fault(_ error: TextError) -> FileError {
    FileError(path: name, kind: .mismatch, reason: error.description)
  }
}
