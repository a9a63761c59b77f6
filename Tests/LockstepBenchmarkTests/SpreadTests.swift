import LockstepBenchmark
import Testing

@Suite struct SpreadTests {
  @Test func aSpreadHasAMiddleAndEnds() {
    let spread = Spread([3, 1, 2, 10])
    #expect(spread.median == 2.5)
    #expect(spread.smallest == 1)
    #expect(spread.largest == 10)
    #expect(spread.count == 4)
    #expect(Spread([4, 2, 8]).median == 4)
  }
}
