import LockstepDatasets
import LockstepEngine
import Testing

@Suite struct SplitTests {
  /// Strata of uneven sizes in a mixed order.
  private let strata: [Int] = {
    var strata = [2, 0, 2, 5].enumerated().flatMap { [Int](repeating: $1 * 3, count: 7 + 11 * $0) }
    var generator = CounterGenerator(seed: 5, .synthesis)
    generator.shuffle(&strata)
    return strata
  }()

  private func isPartition(_ split: Split) -> Bool {
    split.training == split.training.sorted() && split.test == split.test.sorted()
      && (split.training + split.test).sorted() == Array(strata.indices)
  }

  @Test(
    "folds: every example is tested once; sizes and strata differ by at most one",
    arguments: [2, 3, 5, 10])
  func folds(count: Int) throws {
    let folds = try Split.stratifiedFolds(strata, count: count, seed: 1)
    #expect(folds.count == count)
    #expect(folds.allSatisfy(isPartition))
    #expect(folds.flatMap(\.test).sorted() == Array(strata.indices))
    func spread(_ sizes: [Int]) -> Int { sizes.max()! - sizes.min()! }
    #expect(spread(folds.map(\.test.count)) <= 1)
    for stratum in Set(strata) {
      #expect(spread(folds.map { $0.test.count { strata[$0] == stratum } }) <= 1)
    }
  }

  @Test("a stratified cut keeps every stratum's share", arguments: [0.1, 0.2, 0.25, 0.5, 0.9])
  func shares(fraction: Double) throws {
    let split = try Split.stratified(strata, testFraction: fraction, seed: 2)
    #expect(isPartition(split))
    #expect(abs(Double(split.test.count) - fraction * Double(strata.count)) <= 0.5)
    for stratum in Set(strata) {
      let share = fraction * Double(strata.count { $0 == stratum })
      #expect(abs(Double(split.test.count { strata[$0] == stratum }) - share) <= 1)
    }
  }

  @Test("the same seed cuts the same, another seed differently")
  func seeds() throws {
    let a = try Split.stratified(strata, testFraction: 0.3, seed: 1)
    #expect(try Split.stratified(strata, testFraction: 0.3, seed: 1) == a)
    #expect(try Split.stratified(strata, testFraction: 0.3, seed: 2) != a)
    let folds = try Split.stratifiedFolds(strata, count: 5, seed: 1)
    #expect(try Split.stratifiedFolds(strata, count: 5, seed: 1) == folds)
    #expect(try Split.stratifiedFolds(strata, count: 5, seed: 2) != folds)
  }

  @Test("cuts that leave nothing are refused")
  func refusals() {
    for fraction in [0, 1, -0.5, 2, .nan] {
      #expect(throws: DatasetError.self) {
        try Split.stratified(strata, testFraction: fraction, seed: 1)
      }
    }
    #expect(throws: DatasetError("split", "the fraction 0.1 of 3 examples leaves an empty part")) {
      try Split.stratified([0, 0, 0], testFraction: 0.1, seed: 1)
    }
    for count in [0, 1, strata.count + 1] {
      #expect(throws: DatasetError.self) {
        try Split.stratifiedFolds(strata, count: count, seed: 1)
      }
    }
  }
}
