import LockstepFiles

/// What tells one set of examples from another: their number, and hashes of their raw values by
/// columns and by blocks of rows.
package struct PartSummary: Sendable, Equatable {
  /// A column and the hash of its values.
  package struct Column: Sendable, Equatable {
    /// The column's name.
    package let name: String
    /// The hash of its values.
    package let fingerprint: Fingerprint

    package init(_ name: String, _ fingerprint: Fingerprint) {
      self.name = name
      self.fingerprint = fingerprint
    }
  }

  /// The most blocks that examples are cut into.
  static let blockLimit = 64

  /// The number of examples.
  package let examples: Int
  /// The columns: of a table by their names, else `inputs` and `labels`.
  package let columns: [Column]
  /// The hashes of runs of examples of equal length, the last of which may be shorter.
  package let blocks: [Fingerprint]

  package init(examples: Int, columns: [Column], blocks: [Fingerprint]) {
    self.examples = examples
    self.columns = columns
    self.blocks = blocks
  }

  /// Makes a summary.
  ///
  /// - Parameters:
  ///   - columns: each column's name and hash.
  ///   - block: the hash of a run of examples.
  init(examples: Int, columns: [Column], block: (Range<Int>) -> Fingerprint) {
    self.examples = examples
    self.columns = columns
    blocks = Self.runs(examples).map(block)
  }

  /// The runs of examples that are hashed.
  static func runs(_ examples: Int) -> [Range<Int>] {
    let size = blockSize(examples)
    return stride(from: 0, to: examples, by: size).map { $0..<min($0 + size, examples) }
  }

  private static func blockSize(_ examples: Int) -> Int {
    max((examples + blockLimit - 1) / blockLimit, 1)
  }

  /// The hash of everything.
  package var fingerprint: Fingerprint {
    .tree(
      columns.map { ($0.name, $0.fingerprint) } + [("examples", Fingerprint(of: [examples]))]
        + blocks.map { ("", $0) })
  }

  /// How these examples differ from those that were recorded, in words; nil where they are the same.
  ///
  /// - Parameters:
  ///   - recorded: the examples as they were.
  ///   - part: what they are called: `training part`.
  ///   - places: where these examples stand.
  package func difference(
    from recorded: PartSummary, part: String, places: ExamplePlaces
  ) -> String? {
    if self == recorded { return nil }
    let file = "the \(part) (\(places.file.printable))"
    let (names, before) = (columns.map(\.name), recorded.columns.map(\.name))
    guard names == before else {
      let gone = before.filter { !names.contains($0) }
      let new = names.filter { !before.contains($0) }
      let reasons =
        (gone.isEmpty ? [] : ["lacks \(Self.list(gone))"])
        + (new.isEmpty ? [] : ["has \(Self.list(new)) besides"])
      return "\(file) "
        + (reasons.isEmpty
          ? "has its columns in another order: \(Self.list(names)), not \(Self.list(before))"
          : reasons.joined(separator: " and "))
    }
    guard examples == recorded.examples else {
      return "\(file) has \(examples) examples, and had \(recorded.examples)"
    }
    var different = zip(columns, recorded.columns).filter { $0 != $1 }.map { $0.0.name }
    // One target that changed moves a cut by strata, and so all columns. The target is the last one.
    let mayBeOtherRows = different.count > 1 && different.count == columns.count
    if mayBeOtherRows { different.insert(different.removeLast(), at: 0) }
    var text = "\(file) has other \(mayBeOtherRows ? "rows or values" : "values")"
    if !different.isEmpty { text += " in \(Self.list(different))" }
    if let block = zip(blocks, recorded.blocks).enumerated().first(where: { $1.0 != $1.1 })?.offset
    {
      let size = Self.blockSize(examples)
      let last = min((block + 1) * size, examples) - 1
      text +=
        size == 1
        ? ", first on \(places.text(block))"
        : ", first between \(places.text(block * size)) and \(places.text(last))"
    }
    return text
  }

  private static func list(_ names: [String]) -> String {
    names.prefix(6).map(\.quoted).joined(separator: ", ")
      + (names.count > 6 ? " and \(names.count - 6) more" : "")
  }
}
