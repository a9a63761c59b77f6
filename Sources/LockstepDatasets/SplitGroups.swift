import LockstepEngine

// Cuts that keep together what belongs together.

extension Split {
  /// A cut in which no group is on both sides, the same for the same seed: each stratum's share of the test
  /// part is as near to the fraction as whole groups allow.
  ///
  /// - Parameters:
  ///   - groups: the group of each example: its patient, its customer.
  ///   - strata: the stratum of each example, such as its class.
  ///   - testFraction: the test part's share, in (0, 1).
  package static func grouped(
    _ groups: [Int], strata: [Int], testFraction: Double, seed: UInt64
  ) throws(DatasetError) -> Split {
    guard testFraction > 0, testFraction < 1 else {
      throw DatasetError(Split.name, "the test fraction must be in (0, 1), found \(testFraction)")
    }
    let parts = GroupCut(groups, strata, seed: seed).parts(shares: [1 - testFraction, testFraction])
    return try Split(test: parts[1], count: groups.count, "the fraction \(testFraction) by groups")
  }

  /// A cut into folds, each the test part once, in which no group is on both sides.
  package static func groupedFolds(
    _ groups: [Int], strata: [Int], count: Int, seed: UInt64
  ) throws(DatasetError) -> [Split] {
    let found = Set(groups).count
    guard count >= 2, count <= found else {
      throw DatasetError(
        Split.name, "expected 2...\(found) folds of \(found) groups, found \(count)")
    }
    var splits: [Split] = []
    for fold in GroupCut(groups, strata, seed: seed).parts(
      shares: Array(repeating: 1 / Double(count), count: count))
    {
      splits.append(try Split(test: fold, count: groups.count, "\(count) folds by groups"))
    }
    return splits
  }

  /// A cut in time: the test part is the last of the examples. Examples of one time stay together, in the test
  /// part.
  ///
  /// - Parameters:
  ///   - times: the time of each example.
  ///   - testFraction: the test part's share, in (0, 1).
  package static func ordered(
    _ times: [Double], testFraction: Double
  ) throws(DatasetError) -> Split {
    guard testFraction > 0, testFraction < 1 else {
      throw DatasetError(Split.name, "the test fraction must be in (0, 1), found \(testFraction)")
    }
    let order = times.indices.sorted { (times[$0], $0) < (times[$1], $1) }
    let size = Int((Double(times.count) * testFraction).rounded())
    guard size > 0, size < times.count else {
      throw DatasetError(
        Split.name, "the fraction \(testFraction) of \(times.count) examples leaves an empty part")
    }
    let first = times[order[times.count - size]]
    return try Split(
      test: order.filter { times[$0] >= first }, count: times.count,
      "the last \(testFraction) by time")
  }
}

/// Deals groups to parts, the largest first: each to the part that its strata fill least.
private struct GroupCut {
  /// The examples of each group.
  private let members: [[Int]]
  /// How many of its examples each stratum has, for each group.
  private let counts: [[(stratum: Int, count: Int)]]
  /// The number of examples of each stratum.
  private let totals: [Int]

  init(_ groups: [Int], _ strata: [Int], seed: UInt64) {
    var found: [Int: [Int]] = [:]
    for (example, group) in groups.enumerated() { found[group, default: []].append(example) }
    var order = found.keys.sorted()
    var generator = CounterGenerator(seed: seed, .splitting)
    generator.shuffle(&order)
    let places = order.enumerated().sorted { left, right in
      let sizes = (found[left.element]?.count ?? 0, found[right.element]?.count ?? 0)
      return sizes.0 != sizes.1 ? sizes.0 > sizes.1 : left.offset < right.offset
    }
    members = places.map { found[$0.element] ?? [] }
    let numbers = Dictionary(
      Set(strata).sorted().enumerated().map { ($1, $0) }, uniquingKeysWith: { first, _ in first })
    var totals = [Int](repeating: 0, count: numbers.count)
    for stratum in strata { totals[numbers[stratum] ?? 0] += 1 }
    self.totals = totals
    counts = members.map { members in
      var own: [Int: Int] = [:]
      for member in members { own[numbers[strata[member]] ?? 0, default: 0] += 1 }
      return own.keys.sorted().map { ($0, own[$0] ?? 0) }
    }
  }

  /// The examples of each part.
  ///
  /// - Parameter shares: how much of each stratum each part should get.
  func parts(shares: [Double]) -> [[Int]] {
    var parts = [[Int]](repeating: [], count: shares.count)
    var filled = [[Int]](
      repeating: [Int](repeating: 0, count: totals.count), count: shares.count)
    for (members, counts) in zip(members, counts) {
      // What Σ over strata and parts of (filled / total)² / share grows by, which is least where all parts
      // have their shares.
      let costs = shares.indices.map { part -> Double in
        counts.reduce(0.0) { sum, own in
          let (have, total) = (Double(filled[part][own.stratum]), Double(totals[own.stratum]))
          let more = Double(own.count)
          return sum + more * (2 * have + more) / (total * total * shares[part])
        }
      }
      let best = shares.indices.min {
        (costs[$0], Double(parts[$0].count) / shares[$0], $0)
          < (costs[$1], Double(parts[$1].count) / shares[$1], $1)
      }
      guard let best else { continue }
      parts[best] += members
      for own in counts { filled[best][own.stratum] += own.count }
    }
    return parts
  }
}
