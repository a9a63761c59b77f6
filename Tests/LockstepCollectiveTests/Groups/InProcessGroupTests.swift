import LockstepCollective
import LockstepEngine
import LockstepTraining
import Synchronization
import LockstepTrainingTestSupport
import Testing

@Suite struct InProcessGroupTests {
  struct Trouble: Error, Equatable { let rank: Int }

  @Test(arguments: [1, 2, 3, 5, 8])
  func allgatherConcatenatesInRankOrder(ranks: Int) throws {
    let expected = (0..<ranks).flatMap { rank in Array(repeating: UInt8(rank + 1), count: rank) }
    let results = try group(of: ranks) { group -> [[UInt8]] in
      let counts = Array(0..<ranks)
      var rounds: [[UInt8]] = []
      for _ in 0..<20 {
        let mine = [UInt8](repeating: UInt8(group.rank + 1), count: group.rank)
        var all = [UInt8](repeating: 0, count: counts.reduce(0, +))
        try mine.withUnsafeBytes { mine in
          try all.withUnsafeMutableBytes { try group.allgather(mine, counts: counts, into: $0) }
        }
        rounds.append(all)
      }
      return rounds
    }
    for result in results { #expect(result.allSatisfy { $0 == expected }) }
  }

  @Test(arguments: [1, 2, 3, 8])
  func broadcastCopiesTheRoot(ranks: Int) throws {
    let results = try group(of: ranks) { group -> [UInt8] in
      var seen: [UInt8] = []
      for root in 0..<ranks {
        var bytes = [UInt8(group.rank * 10 + root)]
        try bytes.withUnsafeMutableBytes { try group.broadcast($0, root: root) }
        seen += bytes
      }
      return seen
    }
    for result in results { #expect(result == (0..<ranks).map { UInt8($0 * 11) }) }
  }

  @Test func resultsComeInRankOrder() throws {
    #expect(try InProcessGroup.run(ranks: 6) { $0.rank } == Array(0..<6))
  }

  @Test func aFailingRankEndsAllOthers() throws {
    for failing in 0..<4 {
      #expect(throws: Trouble(rank: failing)) {
        try InProcessGroup.run(ranks: 4) { group in
          try group.barrier()
          if group.rank == failing { throw Trouble(rank: failing) }
          while true { try group.barrier() }
        }
      }
    }
  }

  @Test func theOthersLearnWhoFailed() throws {
    let heard = Mutex<[String]>([])
    #expect(throws: Trouble(rank: 1)) {
      try InProcessGroup.run(ranks: 3) { group in
        if group.rank == 1 { throw Trouble(rank: 1) }
        do {
          while true { try group.barrier() }
        } catch {
          heard.withLock { $0.append("\(error)") }
          throw error
        }
      }
    }
    #expect(
      heard.withLock { $0 } == Array(repeating: "rank 1 failed: Trouble(rank: 1)", count: 2))
  }

  @Test func aRankThatLeavesEndsTheWaiting() throws {
    #expect(throws: InProcessGroupError.peerLeft(rank: 2)) {
      try InProcessGroup.run(ranks: 3) { group in
        if group.rank != 2 { try group.barrier() }
      }
    }
  }

  @Test func differentCallsAreAMismatch() throws {
    do {
      _ = try InProcessGroup.run(ranks: 2) { group in
        if group.rank == 0 {
          try group.barrier()
        } else {
          var byte: UInt8 = 0
          try withUnsafeMutableBytes(of: &byte) { try group.broadcast($0, root: 0) }
        }
      }
      Issue.record("different calls were accepted")
    } catch InProcessGroupError.mismatch(_, let call, let others) {
      #expect(Set([call, others]) == ["barrier", "broadcast of 1 bytes from 0"])
    }
  }
}
