import LockstepDistributed
import Testing

/// Two ranks of a node announce what they have computed, in memory of this process.
@Suite struct BucketAnnouncementsTests {
  /// Counters of both ranks, kept as long as anybody uses them.
  private final class Counters {
    let places: [UnsafeMutableRawPointer]

    init(buckets: Int) {
      places = (0..<2).map { _ in
        let bytes = BucketAnnouncements.byteCount(buckets)
        let place = UnsafeMutableRawPointer.allocate(byteCount: bytes, alignment: 64)
        place.initializeMemory(as: UInt8.self, repeating: 0, count: bytes)
        return place
      }
    }

    deinit { for place in places { place.deallocate() } }
  }

  private let buckets = [0..<10, 10..<30]

  private func ranks() -> [BucketAnnouncements] {
    let counters = Counters(buckets: buckets.count)
    return (0..<2).map {
      BucketAnnouncements(buckets, counters: counters.places, place: $0, owner: counters)
    }
  }

  @Test func aBucketIsCompleteWhenAllRanksHaveAnnouncedAllOfIt() {
    let ranks = ranks()
    // A part of the arena may lie in two buckets.
    ranks[0].add(5..<30)
    ranks[1].addAll()
    #expect(!ranks[0].isComplete(0) && ranks[0].isComplete(1))
    ranks[0].add(0..<5)
    #expect(ranks.allSatisfy { $0.isComplete(0) && $0.isComplete(1) })
  }

  @Test func aStepBeginsWithNothingAnnounced() {
    let ranks = ranks()
    for rank in ranks { rank.addAll() }
    ranks[0].reset()
    // Rank 1 is still in the step before, and sees it complete.
    #expect(!ranks[0].isComplete(0) && ranks[1].isComplete(0))
    ranks[0].addAll()
    #expect(!ranks[0].isComplete(0))
    ranks[1].reset()
    ranks[1].addAll()
    #expect(ranks.allSatisfy { $0.isComplete(0) && $0.isComplete(1) })
  }

  @Test func ranksDoNotShareLinesOfCache() {
    for count in 1...40 {
      let bytes = BucketAnnouncements.byteCount(count)
      #expect(bytes % 64 == 0 && bytes >= 8 * count)
    }
  }
}
