import LockstepDatasets

/// Turns tokens into text while they come, and ends it where a stop occurs.
package struct TextPieces {
  private let tokenizer: any TextTokenizer
  private let stops: [[Unicode.Scalar]]
  /// Tokens whose text is not complete: the first bytes of a character.
  private var open: [Int32] = []
  /// What may be the beginning of a stop, and is not handed out yet.
  private var held: [Unicode.Scalar] = []
  /// Whether a stop occurred.
  package private(set) var hasStopped = false

  /// The most bytes of a character of UTF-8.
  private static let longestCharacter = 4

  package init(_ tokenizer: any TextTokenizer, stops: [String]) {
    self.tokenizer = tokenizer
    self.stops = stops.filter { !$0.isEmpty }.map { Array($0.unicodeScalars) }
  }

  /// The text that a token makes known, often one character.
  package mutating func add(_ token: Int32) throws -> String {
    open.append(token)
    let text = try tokenizer.decode(open)
    if text.unicodeScalars.last == "\u{FFFD}", open.count < Self.longestCharacter { return "" }
    open = []
    return release(text)
  }

  /// The text that is left.
  package mutating func finish() throws -> String {
    let rest = try tokenizer.decode(open)
    open = []
    let text = release(rest) + Self.text(held[...])
    held = []
    return hasStopped ? "" : text
  }

  private mutating func release(_ text: String) -> String {
    guard !hasStopped else { return "" }
    guard !stops.isEmpty else { return text }
    var given: [Unicode.Scalar] = []
    for scalar in text.unicodeScalars {
      held.append(scalar)
      if let stop = stops.first(where: { held.suffix($0.count).elementsEqual($0) }) {
        hasStopped = true
        given += held.dropLast(stop.count)
        held = []
        return Self.text(given[...])
      }
      // What no stop can begin with any more is given out.
      while let first = held.indices.first, !canBegin(held[first...]) {
        given.append(held.removeFirst())
      }
    }
    return Self.text(given[...])
  }

  private func canBegin(_ part: ArraySlice<Unicode.Scalar>) -> Bool {
    stops.contains { $0.starts(with: part) }
  }

  private static func text(_ scalars: ArraySlice<Unicode.Scalar>) -> String {
    var view = String.UnicodeScalarView()
    view.append(contentsOf: scalars)
    return String(view)
  }
}
