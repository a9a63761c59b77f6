import LockstepEngine

/// A cut of examples into a training and a test part, both in ascending order.
public struct Split: Sendable, Equatable {
  /// What cuts are called in errors.
  package static let name = "split"

  /// The examples to train on.
  public let training: [Int]
  /// The examples to test on.
  public let test: [Int]

  /// A stratified cut, the same for the same seed: each stratum's share of the test part differs
  /// from its exact share by less than one example, and so does the test part's size.
  ///
  /// - Parameters:
  ///   - strata: the stratum of each example, such as its class.
  ///   - testFraction: the test part's share, in (0, 1).
  public static func stratified(
    _ strata: [Int], testFraction: Double, seed: UInt64
  ) throws(DatasetError) -> Split {
    guard testFraction > 0, testFraction < 1 else {
      throw DatasetError(Split.name, "the test fraction must be in (0, 1), found \(testFraction)")
    }
    var test: [Int] = []
    var seen = 0
    for members in try shuffledStrata(strata, seed: seed) {
      // The test part grows by what the rounded running total grows, so that errors do not add up.
      let before = (Double(seen) * testFraction).rounded()
      seen += members.count
      test += members.prefix(Int((Double(seen) * testFraction).rounded() - before)).map { Int($0) }
    }
    return try Split(test: test, count: strata.count, "the fraction \(testFraction)")
  }

  /// A stratified cut into folds, each the test part once, the same for the same seed: the folds'
  /// sizes differ by at most one example, and so does each stratum's count in them.
  package static func stratifiedFolds(
    _ strata: [Int], count: Int, seed: UInt64
  ) throws(DatasetError) -> [Split] {
    guard count >= 2, count <= strata.count else {
      throw DatasetError(
        Split.name, "expected 2...\(strata.count) folds of \(strata.count) examples, found \(count)"
      )
    }
    var folds = [[Int]](repeating: [], count: count)
    var next = 0
    for members in try shuffledStrata(strata, seed: seed) {
      for member in members {
        folds[next].append(Int(member))
        next = (next + 1) % count
      }
    }
    var splits: [Split] = []
    for fold in folds {
      splits.append(try Split(test: fold, count: strata.count, "\(count) folds"))
    }
    return splits
  }

  init(test: [Int], count: Int, _ what: String) throws(DatasetError) {
    guard !test.isEmpty, test.count < count else {
      throw DatasetError(Split.name, "\(what) of \(count) examples leaves an empty part")
    }
    var isTest = [Bool](repeating: false, count: count)
    for index in test { isTest[index] = true }
    self.test = test.sorted()
    training = (0..<count).filter { !isTest[$0] }
  }

  /// The members of each stratum, in ascending order of strata, each in a random order. They take 4 bytes each:
  /// there may be many.
  private static func shuffledStrata(
    _ strata: [Int], seed: UInt64
  ) throws(DatasetError) -> [[UInt32]] {
    guard strata.count <= Int(UInt32.max) else {
      throw DatasetError(Split.name, "\(strata.count) examples are more than \(UInt32.max)")
    }
    var members: [Int: [UInt32]] = [:]
    for (index, stratum) in strata.enumerated() {
      members[stratum, default: []].append(UInt32(index))
    }
    var generator = CounterGenerator(seed: seed, .splitting)
    return members.keys.sorted().map { stratum in
      var indices = members.removeValue(forKey: stratum) ?? []
      generator.shuffle(&indices)
      return indices
    }
  }
}
