import LockstepCollective
import LockstepTesting
import LockstepTraining
import Testing

@Suite struct SameBitsTests {
  @Test func equalAnswersHaveNoDifference() throws {
    let difference = try SameBits.difference(ranks: 1...5) { ranks in
      try ranks.allgather(7).reduce(0, +) / ranks.size
    }
    #expect(difference == nil)
  }

  /// A sum over ranks depends on their number, and a rank on itself.
  @Test func differencesAreNamed() throws {
    let sum = try #require(
      try SameBits.difference(ranks: [2, 3]) { ranks in try ranks.allgather(1).reduce(0, +) })
    #expect(sum.ranks == 3 && sum.rank == 0 && sum.expected == 2 && sum.found == 3)
    let own = try #require(try SameBits.difference(ranks: [4]) { ranks in ranks.rank / 2 })
    #expect(own.rank == 2)
    #expect(own.description == "rank 2 of 4 has 1, and rank 0 of the first run has 0")
  }

  @Test func ranksThatDoNotMeetAreAnError() {
    #expect(throws: InProcessGroupError.self) {
      try SameBits.difference(ranks: [2]) { ranks in
        if ranks.rank == 0 { try ranks.barrier() }
        return 0
      }
    }
  }
}
