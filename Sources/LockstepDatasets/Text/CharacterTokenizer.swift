import LockstepFiles

/// Each character of a text is a token: the vocabulary is the sorted distinct Unicode scalars of the
/// training text, Python's `sorted(list(set(text)))` as in nanoGPT.
///
/// Scalars and not Swift's `Character`s: they are what Python calls a character, and there are
/// finitely many of them.
public struct CharacterTokenizer: DescribedTokenizer, Equatable {
  static let kind = "characters"

  /// The characters in the order of their tokens.
  package let scalars: [Unicode.Scalar]
  private let tokens: [Unicode.Scalar: Int32]

  /// The number of characters.
  public var vocabulary: Int { scalars.count }

  package var json: JSONValue {
    ["kind": .string(Self.kind), "characters": .string(text(scalars))]
  }

  /// The vocabulary of a training text.
  ///
  /// - Throws: ``TextError`` for an empty text.
  public init(fitting text: String) throws(TextError) {
    try self.init(scalars: Set(text.unicodeScalars).sorted())
  }

  /// A vocabulary that is given, in the order of the tokens.
  ///
  /// - Throws: ``TextError`` where there is no character, or one twice.
  package init(scalars: [Unicode.Scalar]) throws(TextError) {
    guard !scalars.isEmpty else {
      throw TextError("a vocabulary of characters has one at least: the text is empty")
    }
    var tokens: [Unicode.Scalar: Int32] = [:]
    for (token, scalar) in scalars.enumerated() {
      guard tokens.updateValue(Int32(token), forKey: scalar) == nil else {
        throw TextError("the vocabulary has \(Self.name(scalar)) twice")
      }
    }
    self.scalars = scalars
    self.tokens = tokens
  }

  /// The tokens of a text.
  ///
  /// - Throws: ``TextError`` that names the line and the column, both from 1, of a character that the
  ///   training text lacks.
  public func encode(_ text: String) throws(TextError) -> [Int32] {
    var result: [Int32] = []
    result.reserveCapacity(text.utf8.count)
    var (line, column) = (1, 1)
    for scalar in text.unicodeScalars {
      guard let token = tokens[scalar] else {
        throw TextError(
          "line \(line), column \(column): the character \(Self.name(scalar)) does not occur in the "
            + "training text: remove it, train on a text that has it, or take bytes for tokens")
      }
      result.append(token)
      column += 1
      if scalar == "\n" { (line, column) = (line + 1, 1) }
    }
    return result
  }

  public func decode(_ tokens: [Int32]) throws(TextError) -> String {
    if let place = tokens.firstIndex(where: { $0 < 0 || Int($0) >= scalars.count }) {
      throw TextError(
        "token \(place) is \(tokens[place]); the vocabulary has 0...\(scalars.count - 1)")
    }
    return text(tokens.map { scalars[Int($0)] })
  }

  private func text(_ scalars: [Unicode.Scalar]) -> String {
    var result = String.UnicodeScalarView()
    result.append(contentsOf: scalars)
    return String(result)
  }

  /// A character in words: `'é' (U+00E9)`.
  private static func name(_ scalar: Unicode.Scalar) -> String {
    let digits = String(scalar.value, radix: 16, uppercase: true)
    let code = "U+" + String(repeating: "0", count: max(0, 4 - digits.count)) + digits
    return scalar.properties.isWhitespace || scalar.value < 32 ? code : "'\(scalar)' (\(code))"
  }
}
