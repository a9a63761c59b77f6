import LockstepFiles

/// The words or characters of texts of any content: a vocabulary of a fixed size with tokens for padding and for
/// what it does not know.
///
/// Token 0 is padding and token 1 unknown. The entries of the training texts follow, the most frequent first,
/// and in the order of their code points where they are equally frequent.
package struct TextVocabulary: Sendable, Equatable {
  /// What a token is.
  package enum Unit: String, Sendable, CaseIterable {
    /// A run of letters, marks and digits, in lower case. All other characters separate words.
    case words
    /// A Unicode scalar.
    case characters
  }

  /// The token behind a text's end.
  package static let padding: Int32 = 0
  /// The token of what the vocabulary lacks.
  package static let unknown: Int32 = 1
  /// The tokens that stand for no entry.
  package static let reserved = 2

  /// What a token is.
  package let unit: Unit
  /// The entries, from token 2 on.
  package let entries: [String]
  /// The number of tokens, padding and unknown among them; there may be fewer entries.
  package let size: Int
  private let tokens: [String: Int32]

  /// The vocabulary of training texts.
  ///
  /// - Parameters:
  ///   - size: the number of tokens, at least 3. Rarer entries become unknown.
  ///   - minCount: how often an entry must occur; rarer ones are unknown, and teach what that means.
  package init(
    fitting texts: some Sequence<String>, unit: Unit, size: Int, minCount: Int = 1
  ) {
    var counts: [String: Int] = [:]
    for text in texts { for entry in Self.split(text, unit) { counts[entry, default: 0] += 1 } }
    let order = counts.filter { $0.value >= minCount }.sorted { left, right in
      left.value != right.value
        ? left.value > right.value
        : left.key.unicodeScalars.lexicographicallyPrecedes(right.key.unicodeScalars)
    }
    self.init(unit: unit, size: size, distinct: order.prefix(size - Self.reserved).map(\.key))
  }

  /// A vocabulary that is given; nil where its entries are not distinct, or do not fit its size.
  package init?(unit: Unit, size: Int, entries: [String]) {
    guard entries.count + Self.reserved <= size, Set(entries).count == entries.count else {
      return nil
    }
    self.init(unit: unit, size: size, distinct: entries)
  }

  private init(unit: Unit, size: Int, distinct entries: [String]) {
    self.unit = unit
    self.size = size
    self.entries = entries
    tokens = Dictionary(
      uniqueKeysWithValues: zip(entries, Int32(Self.reserved)...))
  }

  /// The tokens of a text, at least one: what has no words is unknown.
  package func encode(_ text: String) -> [Int32] {
    let found = Self.split(text, unit).map { tokens[$0] ?? Self.unknown }
    return found.isEmpty ? [Self.unknown] : found
  }

  /// The entries of a text, in its order.
  static func split(_ text: String, _ unit: Unit) -> [String] {
    switch unit {
    case .characters: return text.unicodeScalars.map { String($0) }
    case .words:
      var (words, word) = ([String](), String.UnicodeScalarView())
      for scalar in text.lowercased().unicodeScalars {
        if isPart(scalar) {
          word.append(scalar)
        } else if !word.isEmpty {
          words.append(String(word))
          word = String.UnicodeScalarView()
        }
      }
      if !word.isEmpty { words.append(String(word)) }
      return words
    }
  }

  private static func isPart(_ scalar: Unicode.Scalar) -> Bool {
    if scalar.isASCII {
      return ("a"..."z").contains(scalar) || ("0"..."9").contains(scalar)
    }
    return switch scalar.properties.generalCategory {
    case .uppercaseLetter, .lowercaseLetter, .titlecaseLetter, .modifierLetter, .otherLetter,
      .nonspacingMark, .spacingMark, .enclosingMark, .decimalNumber, .letterNumber, .otherNumber:
      true
    default: false
    }
  }
}
