import LockstepFold
import LockstepTraining
import LockstepTrainingTestSupport
import Synchronization
import Testing

@Suite struct EvaluationTests {
  @Test(arguments: [(1, 1), (7, 3), (24, 5), (100, 32), (64, 8)])
  func everyExampleIsCountedOnceWithTheSameBits(count: Int, shardSize: Int) throws {
    var reports: [EvaluationReport] = []
    for ranks in 1...8 {
      let seen = Mutex<[Int]>([])
      reports += try group(of: ranks) { group in
        try Evaluation("test", count: count, shardSize: shardSize, metricNames: ["m"], on: group) {
          positions, record in
          seen.withLock { $0 += Array(positions) }
          for position in positions {
            let value = Double(roughValues(1, seed: UInt64(position))[0]) * 1.1
            record.loss += value
            record.weight += 2
            record.examples += 1
            record[metric: 0] += value * value
          }
        }.run()
      }
      #expect(seen.withLock { $0.sorted() } == Array(0..<count), "\(ranks) ranks")
    }
    #expect(reports.allSatisfy { $0 == reports[0] })
    let values = (0..<count).map { Double(roughValues(1, seed: UInt64($0))[0]) * 1.1 }
    let loss = values.reduce(0, +) / Double(2 * count)
    #expect(abs(reports[0].loss - loss) <= 1e-9 * max(abs(loss), 1))
    #expect(reports[0].examples == count)
    #expect(reports[0]["m"] != nil)
    #expect(reports[0]["other"] == nil)
  }

  @Test func aRankThatFailsIsNamed() throws {
    struct Trouble: Error {}
    let errors = try group(of: 3) { group -> String in
      do {
        _ = try Evaluation("test", count: 9, shardSize: 3, metricNames: [], on: group) { _, _ in
          if group.rank == 2 { throw Trouble() }
        }.run()
        return "no error"
      } catch { return "\(error)" }
    }
    #expect(
      errors == [
        "rank 2: Trouble()", "rank 2: Trouble()", "Trouble()",
      ])
  }
}
