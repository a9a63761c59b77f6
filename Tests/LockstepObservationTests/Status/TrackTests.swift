import LockstepObservation
import LockstepTraining
import LockstepTrainingTestSupport
import Testing

@Suite struct TrackTests {
  /// Steps of three spans each, the step's own the last to be recorded.
  private func record(steps: ClosedRange<Int32>, on track: Track) {
    for step in steps {
      track.step = step
      track.begin(.step)
      track.begin(.compute)
      track.begin(.shard, Int(step))
      track.end()
      track.end()
      track.end()
    }
  }

  @Test func spansNestAndComeInTheOrderOfTheirEnds() {
    let track = Track("a", capacity: 8, recordsOperations: false)
    record(steps: 1...2, on: track)
    let spans = track.spans
    #expect(spans.map(\.activity) == [.shard, .compute, .step, .shard, .compute, .step])
    #expect(spans.map(\.step) == [1, 1, 1, 2, 2, 2])
    #expect(spans.map(\.detail) == [1, -1, -1, 2, -1, -1])
    for step in [spans[..<3], spans[3...]] {
      for (inner, outer) in zip(step, step.dropFirst()) {
        #expect(outer.start <= inner.start && inner.end <= outer.end)
      }
    }
    #expect(spans[2].end <= spans[3].start)
    #expect(track.completeSince == 0)
  }

  @Test func aFullRingKeepsTheNewestAndKnowsWhatIsWhole() {
    let track = Track("a", capacity: 8, recordsOperations: false)
    record(steps: 1...5, on: track)
    let spans = track.spans
    #expect(spans.map(\.step) == [3, 3, 4, 4, 4, 5, 5, 5])
    let whole = spans.filter { $0.activity == .step && $0.start >= track.completeSince }
    #expect(whole.map(\.step) == [4, 5])
  }

  @Test func moreRoomLosesNothing() {
    for steps in 1...4 {
      let track = Track("a", capacity: 8, recordsOperations: false)
      record(steps: 1...Int32(steps), on: track)
      let before = track.spans.map(\.start)
      track.reserve(19)
      #expect(track.spans.map(\.start) == before)
      record(steps: 6...7, on: track)
      #expect(track.spans.map(\.start).starts(with: before))
      #expect(track.spans.count == before.count + 6)
    }
  }
}
