import LockstepDatasets
import LockstepFiles
import Testing

@Suite struct PartSummaryTests {
  /// A summary of examples whose hashes are made up.
  private func summary(
    _ columns: [(String, Int)], examples: Int = 128, changed: Int = -1
  ) -> PartSummary {
    PartSummary(
      examples: examples, columns: columns.map { .init($0.0, Fingerprint(of: [$0.1])) },
      blocks: (0..<64).map { Fingerprint(of: [$0 == changed ? -1 : $0] as [Int]) })
  }

  private let places = ExamplePlaces(
    file: "t.csv", rows: Array(1...128), lines: Array(2...129))

  private func difference(_ one: PartSummary, _ other: PartSummary) -> String? {
    one.difference(from: other, part: "training part", places: places)
  }

  @Test func equalExamplesDoNotDiffer() {
    let one = summary([("a", 1), ("b", 2)])
    #expect(difference(one, one) == nil)
    #expect(one.fingerprint == summary([("a", 1), ("b", 2)]).fingerprint)
    #expect(one.fingerprint != summary([("a", 1), ("b", 3)]).fingerprint)
  }

  @Test func columnsAreNamed() {
    let one = summary([("a", 1), ("b", 2)])
    #expect(
      difference(one, summary([("a", 1), ("c", 2)]))
        == "the training part (t.csv) lacks 'c' and has 'b' besides")
    #expect(
      difference(one, summary([("b", 2), ("a", 1)]))?.contains("in another order: 'a', 'b'") == true
    )
  }

  @Test func countsAreNamed() {
    let one = summary([("a", 1)])
    #expect(
      difference(one, summary([("a", 1)], examples: 90))
        == "the training part (t.csv) has 128 examples, and had 90")
  }

  /// Two examples a block: the first block that differs tells the lines.
  @Test func aChangedValueIsFoundByColumnAndLines() {
    let recorded = summary([("a", 1), ("b", 2)])
    let one = summary([("a", 1), ("b", 3)], changed: 5)
    #expect(
      difference(one, recorded)
        == "the training part (t.csv) has other values in 'b', first between line 12 and line 13")
  }
}
