import LockstepFold
import LockstepTraining
import LockstepTrainingTestSupport
import Testing

@Suite struct ScalarFoldTests {
  static func value(_ shard: Int, _ column: Int) -> Double {
    Double(roughValues(1, seed: UInt64(shard * 7 + column))[0]) * 1.1
  }

  static func tree(_ shards: Range<Int>, _ column: Int) -> Double {
    if shards.count == 1 { return value(shards.lowerBound, column) }
    let middle = shards.lowerBound + shards.count / 2
    return tree(shards.lowerBound..<middle, column) + tree(middle..<shards.upperBound, column)
  }

  @Test(arguments: [1, 2, 8, 64])
  func sumsFollowTheTreeOnEveryRank(shards: Int) throws {
    let expected = (0..<5).map { Self.tree(0..<shards, $0) }
    for ranks in 1...min(shards, 8) {
      let results = try group(of: ranks) { group in
        let runs = (0..<ranks).map { shards * $0 / ranks..<shards * ($0 + 1) / ranks }
        let fold = try ScalarFold(runs: runs, metrics: 2, on: group)
        for _ in 0..<2 {
          try fold.gather(requests: .init(rawValue: 1 << UInt64(group.rank))) { records in
            for shard in records.shards {
              let record = try records[shard]
              record.loss = Self.value(shard, 0)
              record.weight = Self.value(shard, 1)
              record.examples = Self.value(shard, 2)
              record[metric: 0] = Self.value(shard, 3)
              record[metric: 1] = Self.value(shard, 4)
            }
          }
        }
        defer { withExtendedLifetime(fold) {} }
        let total = fold.total
        return (
          [total.loss, total.weight, total.examples, total[metric: 0], total[metric: 1]],
          fold.requests.rawValue
        )
      }
      for (sums, control) in results {
        #expect(sums == expected)
        #expect(control == 1 << UInt64(ranks) - 1)
      }
    }
  }

  /// Some columns are maxima, also below 0; a shard without examples has none, and what is no number stays so.
  @Test(arguments: [1, 3, 8])
  func maximaAreThoseOfShardsWithExamples(shards: Int) throws {
    for ranks in 1...min(shards, 4) {
      for total in try group(
        of: ranks,
        { group -> [Double] in
          let runs = (0..<ranks).map { shards * $0 / ranks..<shards * ($0 + 1) / ranks }
          let fold = try ScalarFold(runs: runs, metrics: 5, maxima: 1..<4, on: group)
          try fold.gather { records in
            for shard in records.shards {
              let record = try records[shard]
              record.examples = shard == 1 ? 0 : 2
              record[metric: 0] = 1
              record[metric: 1] = shard == 1 ? 0 : -5 - Double(shard * 3 % 7)
              record[metric: 2] = shard == shards / 2 ? .nan : 1
              record[metric: 3] = -.infinity
              record[metric: 4] = 2
            }
          }
          defer { withExtendedLifetime(fold) {} }
          return (0..<5).map { fold.total[metric: $0] }
        })
      {
        #expect(total[0] == Double(shards) && total[4] == Double(2 * shards))
        #expect(total[1] == -5 && total[3] == -.infinity)
        #expect(total[2].isNaN == (shards != 3))
      }
    }
  }

  @Test func otherNumbersThanPowersOfTwoLeaveLeavesOut() throws {
    for shards in [3, 5, 6, 7, 11] {
      var sums: Set<Double> = []
      for ranks in 1...4 {
        let results = try group(of: ranks) { group in
          let runs = (0..<ranks).map { shards * $0 / ranks..<shards * ($0 + 1) / ranks }
          let fold = try ScalarFold(runs: runs, metrics: 0, on: group)
          try fold.gather { records in
            for shard in records.shards { try records[shard].loss = Self.value(shard, 0) }
          }
          return withExtendedLifetime(fold) { fold.total.loss }
        }
        sums.formUnion(results)
      }
      #expect(sums.count == 1)
      let plain = (0..<shards).reduce(0) { $0 + Self.value($1, 0) }
      #expect(abs(sums.first! - plain) < 1e-9)
    }
  }

  @Test func aRankThatFailsIsNamedOnAllOthers() throws {
    struct Trouble: Error {}
    let errors = try group(of: 4) { group -> String in
      let fold = try ScalarFold(runs: [0..<1, 1..<2, 2..<2, 2..<4], metrics: 0, on: group)
      do {
        try fold.gather { _ in if group.rank == 2 { throw Trouble() } }
        return "no error"
      } catch { return "\(error)" }
    }
    #expect(errors[2] == "Trouble()")
    for rank in [0, 1, 3] { #expect(errors[rank] == "rank 2: Trouble()") }
  }
}
