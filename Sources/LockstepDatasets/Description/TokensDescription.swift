import LockstepFiles

/// Windows of tokens, and what the tokens mean.
package struct TokensDescription: Sendable, Equatable {
  static let kind = "tokens"

  /// T, the number of tokens of a window.
  package var window: Int
  /// The number of different tokens.
  package var vocabulary: Int
  /// The tokenizer of the training text, in JSON; nil where files hold tokens.
  package var tokenizer: JSONValue?
  /// The type of the tokens of files that do not say it.
  package var element: TokenElement

  package init(
    window: Int, vocabulary: Int, tokenizer: JSONValue? = nil, element: TokenElement = .uint16
  ) {
    self.window = window
    self.vocabulary = vocabulary
    self.tokenizer = tokenizer
    self.element = element
  }

  /// The tokenizer of the training text; nil where files hold tokens.
  ///
  /// - Throws: `FileError` where the description is damaged.
  package func textTokenizer() throws(FileError) -> (any DescribedTokenizer)? {
    guard let tokenizer else { return nil }
    return try TextTokenizers.read(tokenizer, source: "the description of the data")
  }

  /// Why weights that were trained on other tokens mean something else on these; nil where they mean the
  /// same, or where shapes tell.
  package func difference(from other: TokensDescription) -> String? {
    guard tokenizer != other.tokenizer, vocabulary == other.vocabulary else { return nil }
    func words(_ tokens: TokensDescription) -> String {
      guard let characters = tokens.tokenizer?["characters"]?.stringValue else {
        return tokens.tokenizer == nil ? "numbers of a file" : "bytes"
      }
      return "the characters '\(characters.printable)'"
    }
    return "the tokens are \(words(self)), and the weights were trained on \(words(other))"
  }

  var json: JSONValue {
    var object = JSONObject()
    object["kind"] = .string(Self.kind)
    object["window"] = .integer(window)
    object["vocabulary"] = .integer(vocabulary)
    object["tokenizer"] = tokenizer ?? .null
    object["element"] = .string(element.rawValue)
    return .object(object)
  }

  init?(_ json: JSONValue) {
    guard let window = json["window"]?.integerValue,
      let vocabulary = json["vocabulary"]?.integerValue,
      window > 0, vocabulary > 0, vocabulary <= Int(Int32.max),
      let element = json["element"]?.stringValue.flatMap(TokenElement.init)
    else { return nil }
    let tokenizer = json["tokenizer"]
    self.init(
      window: window, vocabulary: vocabulary, tokenizer: tokenizer == .null ? nil : tokenizer,
      element: element)
  }
}
