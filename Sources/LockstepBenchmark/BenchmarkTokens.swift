import LockstepDatasets
import LockstepEngine

/// Made-up tokens: of four, three follow from the one before, and the fourth is any.
package enum BenchmarkTokens {
  /// The number of different tokens, that of the characters of Shakespeare's plays.
  package static let vocabulary = 65

  /// Windows that lie one behind the other, the same for every call.
  static func windows(count: Int, length: Int) throws -> TokenWindows {
    var generator = CounterGenerator(seed: 1, .synthesis)
    var token = 0
    let tokens = (0..<count * length + 1).map { _ in
      let word = generator.nextWord()
      token = word & 3 == 0 ? generator.index(below: vocabulary) : (7 * token + 3) % vocabulary
      return UInt16(token)
    }
    return try TokenWindows(
      TokenStream(tokens, name: "tokens"), length: length, vocabulary: vocabulary)
  }
}
