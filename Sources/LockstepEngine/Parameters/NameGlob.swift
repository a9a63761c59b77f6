/// A pattern of dotted names that says what its wildcards stood for: `*` stands for any run of
/// characters, `?` for one.
package struct NameGlob: Sendable, Equatable {
  package let pattern: String
  private let characters: [Character]

  package init(_ pattern: String) {
    self.pattern = pattern
    characters = Array(pattern)
  }

  /// The number of `*` in the pattern.
  package var wildcardCount: Int { characters.count { $0 == "*" } }

  /// Whether all of a name fits.
  package func matches(_ name: String) -> Bool { runs(in: Array(name)) != nil }

  /// What each `*` stands for where all of a name fits, the first ones as short as possible; else
  /// nil.
  package func wildcards(in name: String) -> [String]? {
    let letters = Array(name)
    return runs(in: letters)?.map { String(letters[$0]) }
  }

  /// Some of the names that a pattern could have been about, for messages.
  package static func list(_ names: [String]) -> String {
    var unique: [String] = []
    for name in names where !unique.contains(name) { unique.append(name) }
    if unique.isEmpty { return "none" }
    return unique.prefix(8).joined(separator: ", ")
      + (unique.count > 8 ? " and \(unique.count - 8) more" : "")
  }

  /// Where in a name the runs of the `*` lie.
  ///
  /// What follows a `*` is put as early as it fits. If something later does not fit, only the last
  /// `*` has to grow: whatever fits behind an earlier one's longer run fits behind its shortest run,
  /// too. So the time is at most the product of both lengths.
  private func runs(in name: [Character]) -> [Range<Int>]? {
    var runs: [Range<Int>] = []
    // The place behind the last `*` met.
    var afterStar: Int?
    var (place, position) = (0, 0)
    while true {
      if place < characters.count, characters[place] == "*" {
        runs.append(position..<position)
        place += 1
        afterStar = place
      } else if place < characters.count, position < name.count,
        characters[place] == "?" || characters[place] == name[position]
      {
        place += 1
        position += 1
      } else if place == characters.count, position == name.count {
        return runs
      } else {
        guard let afterStar, let last = runs.popLast(), last.upperBound < name.count else {
          return nil
        }
        runs.append(last.lowerBound..<last.upperBound + 1)
        place = afterStar
        position = last.upperBound + 1
      }
    }
  }
}
