/// A pattern of dotted names that says what its wildcards stood for: `*` stands for any run of
/// characters, `?` for one.
package struct NameGlob: Sendable, Equatable {
  package let pattern: String
  private let bytes: [UInt8]

  package init(_ pattern: String) {
    self.pattern = pattern
    bytes = Array(pattern.utf8)
  }

  /// The number of `*` in the pattern.
  package var wildcardCount: Int { bytes.count { $0 == Self.any } }

  /// Whether all of a name fits.
  package func matches(_ name: String) -> Bool { wildcards(in: name) != nil }

  /// What each `*` stands for where all of a name fits, the first ones as short as possible; else
  /// nil.
  package func wildcards(in name: String) -> [String]? {
    Self.match(bytes[...], Array(name.utf8)[...])?.reversed()
  }

  private static let any = UInt8(ascii: "*")

  /// The runs in reverse order.
  private static func match(
    _ pattern: ArraySlice<UInt8>, _ name: ArraySlice<UInt8>
  ) -> [String]? {
    guard let head = pattern.first else { return name.isEmpty ? [] : nil }
    let rest = pattern.dropFirst()
    if head == any {
      for end in name.startIndex...name.endIndex {
        if let found = match(rest, name[end...]) {
          return found + [String(decoding: name[..<end], as: UTF8.self)]
        }
      }
      return nil
    }
    guard let character = name.first, head == UInt8(ascii: "?") || head == character else {
      return nil
    }
    return match(rest, name.dropFirst())
  }
}
