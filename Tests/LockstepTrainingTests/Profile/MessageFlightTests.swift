import LockstepObservation
import LockstepTraining
import LockstepTrainingTestSupport
import Testing

/// How much of the messages' time lay beside work.
@Suite struct MessageFlightTests {
  private func spans(_ ranges: [Range<UInt64>]) -> [Span] {
    ranges.map {
      Span(start: $0.lowerBound, end: $0.upperBound, step: 1, detail: 0, activity: .receivePartial)
    }
  }

  private func times(_ flights: [Range<UInt64>], _ waits: [Range<UInt64>]) -> [UInt64] {
    let times = MessageFlights.times(spans(flights), waits: spans(waits))
    return [times.flight, times.exposed]
  }

  @Test func nothingUnderWayTakesNoTime() {
    #expect(times([], [1..<5]) == [0, 0])
    #expect(times([3..<7], []) == [4, 0])
  }

  @Test func overlappingFlightsCountOnce() {
    #expect(times([10..<20, 15..<30, 40..<45, 12..<13], []) == [25, 0])
  }

  @Test func whatIsWaitedForIsExposed() {
    #expect(times([10..<20, 30..<40], [0..<12, 18..<33, 50..<60]) == [20, 2 + 2 + 3])
    #expect(times([10..<100], [20..<30, 40..<50]) == [90, 20])
    #expect(times([20..<30, 40..<50], [10..<100]) == [20, 20])
  }

  /// Whatever the spans, no more is exposed than was under way, and as much as both cover.
  @Test(arguments: 0..<20) func randomSpans(seed: UInt64) {
    var state = seed &* 0x9E37_79B9_7F4A_7C15 | 1
    func next(_ limit: UInt64) -> UInt64 {
      state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
      return (state >> 33) % limit
    }
    func ranges() -> [Range<UInt64>] {
      (0..<8).map { _ in
        let start = next(100)
        return start..<start + next(20)
      }
    }
    let (flights, waits) = (ranges(), ranges())
    func covered(_ ranges: [Range<UInt64>]) -> Set<UInt64> { Set(ranges.flatMap { Array($0) }) }
    let expected = [
      covered(flights).count, covered(flights).intersection(covered(waits)).count,
    ].map(UInt64.init)
    #expect(times(flights, waits) == expected)
  }
}
