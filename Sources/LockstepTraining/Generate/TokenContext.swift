/// The last tokens of a text: what a model with a window of T tokens sees.
///
/// Tokens come behind one another until there are T. The one that no longer fits starts a new context: the last half
/// of the window with it, T/2 tokens or all that are new. So a text is computed with T/2 to T tokens before it, and
/// what a new context costs comes once in T/2 tokens. A prompt of more than T tokens leaves its last T.
package struct TokenContext {
  package let length: Int
  package private(set) var tokens: [Int32] = []

  package init(length: Int) { self.length = length }

  package mutating func reset() { tokens.removeAll(keepingCapacity: true) }

  /// Takes more tokens, and returns how many of the context were there before: 0 where it is a new one.
  package mutating func append(_ new: ArraySlice<Int32>) -> Int {
    let before = tokens.count
    tokens.append(contentsOf: new)
    guard tokens.count > length else { return before }
    let kept = max(min(new.count, length), length / 2, 1)
    tokens.removeFirst(tokens.count - kept)
    return 0
  }
}
