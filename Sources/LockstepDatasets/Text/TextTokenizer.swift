import LockstepFiles

/// Turns texts into tokens and back.
public protocol TextTokenizer: Sendable {
  /// The number of different tokens.
  var vocabulary: Int { get }
  /// The tokens of a text.
  ///
  /// - Throws: ``TextError`` where the text has something that no token stands for.
  func encode(_ text: String) throws(TextError) -> [Int32]
  /// The text of tokens.
  ///
  /// - Throws: ``TextError`` for a token outside the vocabulary.
  func decode(_ tokens: [Int32]) throws(TextError) -> String
}

/// A tokenizer that a run's description of its data can hold.
package protocol DescribedTokenizer: TextTokenizer {
  /// The tokenizer in JSON; read by `read(_:source:)`.
  var json: JSONValue { get }
}

/// A text that cannot be turned into tokens, or tokens that are no text.
public struct TextError: Error, Sendable, Equatable, CustomStringConvertible {
  /// What is wrong, where, and what to do.
  public let description: String

  /// Makes an error with a sentence.
  package init(_ description: String) { self.description = description }
}
