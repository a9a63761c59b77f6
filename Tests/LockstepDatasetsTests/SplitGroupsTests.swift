import LockstepDatasets
import LockstepEngine
import Testing

/// Cuts by groups and by time.
@Suite struct SplitGroupsTests {
  /// Groups of 1 to 12 examples, whose classes differ in how often they occur.
  private static let examples: (groups: [Int], strata: [Int]) = {
    var (groups, strata): ([Int], [Int]) = ([], [])
    for group in 0..<80 {
      for place in 0..<(1 + group % 12) {
        groups.append(group * 3)
        strata.append((group + place) % 5 == 0 ? 1 : 0)
      }
    }
    var order = Array(groups.indices)
    var generator = CounterGenerator(seed: 3, .synthesis)
    generator.shuffle(&order)
    return (order.map { groups[$0] }, order.map { strata[$0] })
  }()

  private func isApart(_ split: Split) -> Bool {
    let groups = Self.examples.groups
    return Set(split.training.map { groups[$0] }).isDisjoint(with: split.test.map { groups[$0] })
  }

  @Test(arguments: [2, 3, 5, 10]) func foldsKeepGroupsTogether(count: Int) throws {
    let (groups, strata) = Self.examples
    let folds = try Split.groupedFolds(groups, strata: strata, count: count, seed: 1)
    #expect(folds.count == count && folds.allSatisfy(isApart))
    #expect(folds.flatMap(\.test).sorted() == Array(groups.indices))
    for fold in folds {
      #expect((fold.training + fold.test).sorted() == Array(groups.indices))
      for stratum in [0, 1] {
        let share =
          Double(fold.test.count { strata[$0] == stratum })
          / Double(strata.count { $0 == stratum })
        #expect(abs(share * Double(count) - 1) < 0.25, "\(count) folds: \(share)")
      }
    }
    #expect(try Split.groupedFolds(groups, strata: strata, count: count, seed: 1) == folds)
    #expect(try Split.groupedFolds(groups, strata: strata, count: count, seed: 2) != folds)
  }

  @Test(arguments: [0.1, 0.2, 0.5]) func aCutKeepsGroupsTogether(fraction: Double) throws {
    let (groups, strata) = Self.examples
    let split = try Split.grouped(groups, strata: strata, testFraction: fraction, seed: 4)
    #expect(isApart(split))
    #expect(abs(Double(split.test.count) / Double(groups.count) - fraction) < 0.03)
  }

  @Test func timeIsNeverBefore() throws {
    let times: [Double] = [5, 1, 4, 4, 2, 9, 4, 3, 8, 7]
    for fraction in [0.1, 0.3, 0.5, 0.6] {
      let split = try Split.ordered(times, testFraction: fraction)
      let last = split.training.map { times[$0] }.max() ?? 0
      #expect(split.test.allSatisfy { times[$0] > last })
      #expect(split.test.count >= Int((10 * fraction).rounded()))
    }
    #expect(try Split.ordered(times, testFraction: 0.3).test == [5, 8, 9])
    #expect(throws: DatasetError.self) { try Split.ordered([1, 1, 1], testFraction: 0.3) }
  }

  @Test func whatCannotBeCutIsRefused() {
    #expect(throws: DatasetError.self) {
      try Split.groupedFolds([0, 0, 1], strata: [0, 0, 0], count: 3, seed: 1)
    }
    #expect(throws: DatasetError.self) {
      try Split.grouped([7, 7, 7], strata: [0, 1, 0], testFraction: 0.3, seed: 1)
    }
    #expect(throws: DatasetError.self) {
      try Split.grouped([1, 2], strata: [0, 1], testFraction: 1.5, seed: 1)
    }
  }
}
