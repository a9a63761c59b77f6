import LockstepBenchmark
import Testing

/// What benchmarks make of the times that they measured, with times that are made up.
@Suite struct RatioTests {
  /// A machine that slows down lowers both rates: the efficiency stays that of the ranks.
  @Test func efficiencyComparesWithTheRatesBeforeAndAfter() {
    let result = ScalingBenchmark.Result(
      ScalingBenchmark.Options(), ranks: 2, shards: 4, batchSize: 120,
      alone: [100, 200, 400], together: [120, 240])
    #expect(result.efficiency == Spread([0.8, 0.8]))
    // 120 examples take 1 s together and 0.8 s alone, then half of both.
    let overhead = result.overhead
    #expect(abs(overhead.largest - 0.2) < 1e-12 && abs(overhead.smallest - 0.1) < 1e-12)
    #expect(result.alone == Spread([100, 200, 400]) && result.together == Spread([120, 240]))
  }

  @Test func ranksThatCostNothingHaveTheEfficiencyOne() {
    let result = ScalingBenchmark.Result(
      ScalingBenchmark.Options(), ranks: 4, shards: 8, batchSize: 64, alone: [50, 50, 50, 50],
      together: [50, 50, 50])
    #expect(result.efficiency == Spread([1, 1, 1]) && result.overhead == Spread([0, 0, 0]))
  }

  /// The share is of times that were measured side by side, not of medians.
  @Test func theShareOfTheStreamIsThatOfPairs() {
    let result = UpdateBenchmark.Result(
      parameters: 10, ranks: 1, updates: [2, 4, 10], streams: [1, 3, 4])
    #expect(result.share == Spread([0.5, 0.75, 0.4]))
    #expect(result.update.median == 4 && result.stream.median == 3)
  }
}
