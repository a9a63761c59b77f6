/// A pattern of dotted names: `*` stands for any run of characters, `?` for one.
struct NamePattern {
  private let pattern: [UInt8]

  init(_ pattern: String) { self.pattern = Array(pattern.utf8) }

  /// Whether all of a name fits.
  func matches(_ name: String) -> Bool { Self.matches(pattern[...], Array(name.utf8)[...]) }

  private static func matches(_ pattern: ArraySlice<UInt8>, _ name: ArraySlice<UInt8>) -> Bool {
    guard let head = pattern.first else { return name.isEmpty }
    let rest = pattern.dropFirst()
    if head == UInt8(ascii: "*") {
      return (name.startIndex...name.endIndex).contains { matches(rest, name[$0...]) }
    }
    guard let character = name.first else { return false }
    return (head == UInt8(ascii: "?") || head == character) && matches(rest, name.dropFirst())
  }
}
