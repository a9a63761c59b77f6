import LockstepPlatform
import LockstepCollective
import LockstepObservation
import LockstepDatasets
import LockstepFiles
import LockstepOptimization
import LockstepTestSupport
import LockstepTraining
import LockstepTrainingTestSupport
import Testing

@Suite struct ProfileTests {
  /// Trains a small model under a timeline and brings that of all ranks together.
  private func profile(
    ranks: Int, threads: Int = 1, options: Timeline.Options, path: String
  ) throws -> [StepBreakdown] {
    try group(of: ranks) { group in
      let source = try ModelSource(
        dataset: try SmallModel.dataset(count: 101), seed: 9, threads: threads,
        trace: SmallModel.convolutional.trace)
      source.memory.initialize(seed: 4)
      let rule = try UpdateRule(
        layout: source.memory.trainableLayout, chain: .adam(learningRate: 0.005))
      let step = try TrainingStep(
        source: source, update: rule, shards: 8, on: group)
      let trainer = try Trainer(
        step: step, sampler: try Sampler(count: 101, batchSize: 40, seed: 3),
        evaluations: [
          try ModelEvaluator(source, on: try SmallModel.dataset(count: 33))
            .evaluation("test", shardSize: 16, on: group)
        ], options: TrainerOptions(epochs: 3), configuration: [:], on: group)
      let timeline = try Timeline(threads: threads, options: options)
      group.page?.timeline = timeline
      source.timeline = timeline
      #expect(try trainer.run().kind == .done)
      let profile = try Profile(timeline, on: group)
      try profile.write(path, on: group)
      return profile.breakdown
    }
  }

  /// One row's spans.
  private struct Row: Hashable {
    let rank: Int
    let thread: Int
  }

  private struct Event {
    let name: String
    let start: Double
    let end: Double
    let step: Int?
  }

  private func events(_ path: String) throws -> [Row: [Event]] {
    let trace = try JSONValue.parse(try FileInput.contents(of: path), source: path)
    var rows: [Row: [Event]] = [:]
    for event in try #require(trace["traceEvents"]?.arrayValue) {
      let rank = try #require(event["pid"]?.integerValue)
      guard event["ph"]?.stringValue == "X" else { continue }
      let row = Row(rank: rank, thread: try #require(event["tid"]?.integerValue))
      let start = try #require(event["ts"]?.doubleValue)
      rows[row, default: []].append(
        Event(
          name: try #require(event["name"]?.stringValue), start: start,
          end: start + (try #require(event["dur"]?.doubleValue)),
          step: event["args.step"]?.integerValue))
    }
    return rows
  }

  /// Within a row, two spans are apart or one lies in the other.
  private func expectNesting(_ events: [Event]) {
    var open: [Event] = []
    let tolerance = 0.0015
    for event in events.sorted(by: { ($0.start, -$0.end) < ($1.start, -$1.end) }) {
      while let last = open.last, last.end <= event.start + tolerance { open.removeLast() }
      if let last = open.last {
        #expect(event.end <= last.end + tolerance, "\(event) overlaps \(last)")
      }
      open.append(event)
    }
  }

  @Test(arguments: [(1, 1), (2, 1), (3, 2)])
  func aTraceHasARowARankWhoseSpansNestAndAddUp(ranks: Int, threads: Int) throws {
    try withTemporaryDirectory { directory in
      let path = "\(directory)/trace.json"
      let breakdowns = try profile(
        ranks: ranks, threads: threads, options: Timeline.Options(steps: 4), path: path)
      let rows = try events(path)
      #expect(Set(rows.keys.map(\.rank)) == Set(0..<ranks))
      #expect(Set(rows.keys.map(\.thread)) == Set(0..<threads))
      for (row, events) in rows {
        expectNesting(events)
        #expect(events.contains { $0.name == "forward" })
        #expect(events.contains { $0.name == "backward" })
        guard row.thread == 0 else { continue }
        let steps = events.filter { $0.name == "step" }
        #expect(steps.map(\.step) == [6, 7, 8, 9])
        let parts: Set = ["order of examples", "compute", "fold", "check", "update", "log"]
        for step in steps {
          let inside = events.filter { $0.step == step.step && parts.contains($0.name) }
          #expect(Set(inside.map(\.name)) == parts)
          let sum = inside.reduce(0) { $0 + $1.end - $1.start }
          let whole = step.end - step.start
          #expect(sum <= whole + 0.01 && sum > 0.97 * whole)
        }
        #expect(events.contains { $0.name == "evaluate" && $0.step == nil })
        // A group of one has nobody to wait for.
        #expect(events.contains { $0.name == "wait for ranks" } == (ranks > 1))
      }
      // The ranks' steps lie over each other in time: they met in each.
      for step in 6...9 {
        let spans = rows.filter { $0.key.thread == 0 }.values.map { events in
          events.first { $0.name == "step" && $0.step == step }!
        }
        #expect(spans.map(\.start).max()! < spans.map(\.end).min()!)
      }

      #expect(Set(breakdowns.map(\.steps)) == [6...9])
      #expect(breakdowns.allSatisfy { $0 == breakdowns[0] })
      let breakdown = breakdowns[0]
      let durations = rows.filter { $0.key.thread == 0 }.values.flatMap { $0 }
        .filter { $0.name == "step" }.map { $0.end - $0.start }
      let mean = durations.reduce(0, +) / Double(durations.count) / 1000
      #expect(abs(breakdown.milliseconds - mean) < 1e-4)
      #expect(abs(breakdown.rows.reduce(0) { $0 + $1.share } - 1) < 1e-9)
      let forward = try #require(breakdown.rows.first { $0.activity == .forward })
      #expect(forward.least > 0 && forward.least <= forward.mean && forward.mean <= forward.most)
      #expect(breakdown.waitingShare > 0 || ranks == 1 && threads == 1)
      #expect(breakdown.waitingShare < 1)
    }
  }

  @Test func operationsAreInsideOfTheirPasses() throws {
    try withTemporaryDirectory { directory in
      let path = "\(directory)/trace.json"
      let breakdown = try profile(
        ranks: 1, options: Timeline.Options(steps: 2, operations: true), path: path)[0]
      #expect(!breakdown.rows.contains { $0.activity == .operation })
      #expect(try #require(breakdown.rows.first { $0.activity == .forward }).mean > 0)
      let events = try #require(try events(path)[Row(rank: 0, thread: 0)])
      expectNesting(events)
      let forward = try #require(events.first { $0.name == "forward" })
      let inside = events.filter { $0.start >= forward.start && $0.end <= forward.end }
      #expect(inside.contains { $0.name.contains("conv2d") })
      #expect(!inside.contains { $0.name == "shard" })
    }
  }

  @Test func withoutAStepThereIsNoProfile() throws {
    #expect(throws: ProfileError()) { try Profile(Timeline(), on: SoloCollective()) }
  }

  /// Two "nodes": rank 0's, and one whose clock is five seconds ahead.
  @Test func clocksOfOtherNodesAreAligned() throws {
    let offsets = try group(of: 3) { group in
      let ahead: UInt64 = group.rank == 0 ? 0 : 5_000_000_000
      return try ClockOffset.nanoseconds(on: group, leaders: [0, 1, 1]) {
        SystemClock.now + ahead
      }
    }
    #expect(offsets[0] == 0)
    #expect(offsets[1] == offsets[2], "ranks that share a clock share its offset")
    #expect(abs(offsets[1] + 5_000_000_000) < 100_000_000)
  }
}
