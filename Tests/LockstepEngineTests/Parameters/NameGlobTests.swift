import LockstepEngine
import Testing

@Suite struct NameGlobTests {
  /// The definition: the first `*` as short as it can be, by trying.
  private func match(_ pattern: ArraySlice<Character>, _ name: ArraySlice<Character>) -> [String]? {
    guard let head = pattern.first else { return name.isEmpty ? [] : nil }
    if head == "*" {
      for end in name.startIndex...name.endIndex {
        if let found = match(pattern.dropFirst(), name[end...]) {
          return [String(name[..<end])] + found
        }
      }
      return nil
    }
    guard let first = name.first, head == "?" || head == first else { return nil }
    return match(pattern.dropFirst(), name.dropFirst())
  }

  /// All patterns of up to five of `a b * ?` on all names of up to five of `a b`.
  @Test func itIsItsDefinition() {
    func words(_ letters: [Character], _ length: Int) -> [[Character]] {
      length == 0
        ? [[]] : words(letters, length - 1).flatMap { word in letters.map { word + [$0] } }
    }
    let names = (0...5).flatMap { words(["a", "b"], $0) }
    var fits = 0
    for pattern in (0...5).flatMap({ words(["a", "b", "*", "?"], $0) }) {
      let glob = NameGlob(String(pattern))
      for name in names {
        let expected = match(pattern[...], name[...])
        if expected != nil { fits += 1 }
        if glob.wildcards(in: String(name)) != expected {
          Issue.record("\(String(pattern)) on \(String(name))")
        }
      }
    }
    #expect(fits > 1000)
  }

  @Test func aQuestionMarkIsOneCharacter() {
    #expect(NameGlob("gr??e.weight").matches("größe.weight"))
    #expect(NameGlob("*.?").wildcards(in: "a.é") == ["a"])
  }

  /// A pattern of many `*` takes time by its length, not by all ways to place them.
  @Test(.timeLimit(.minutes(1))) func manyWildcardsTakeNoTime() {
    let name = String(repeating: "a", count: 2000)
    #expect(!NameGlob(String(repeating: "*", count: 40) + "b").matches(name))
    #expect(!NameGlob(String(repeating: "*a", count: 40) + "b").matches(name))
    #expect(NameGlob(String(repeating: "*a", count: 40)).matches(name))
    #expect(NameGlob(String(repeating: "*?", count: 2000)).matches(name))
  }
}
