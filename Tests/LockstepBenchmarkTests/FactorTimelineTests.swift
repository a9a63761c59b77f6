import LockstepBenchmark
import Testing

/// Laws of the time that factors take beside passes and products.
@Suite struct FactorTimelineTests {
  /// Two maps of a million weights; the first one's x does not travel.
  private static func maps(product: Double, megabytes: Double = 1) -> [FactorTimeline.Map] {
    [true, false].map {
      FactorTimeline.Map(
        shape: LinearMapShape(outputs: 1000, inputs: 1000, isFirst: $0),
        inputBytes: $0 ? 0 : megabytes * 1e6, gradientBytes: megabytes * 1e6, product: product)
    }
  }

  /// Nothing ends before the passes, the sending or the products have, nor later than one after the other.
  @Test(arguments: [0, 1e-3, 1e-2, 0.1], [1e7, 1e9, 1e12])
  func theEndIsBetweenTheLongestPartAndTheSum(_ product: Double, _ bandwidth: Double) {
    let timeline = FactorTimeline(
      Self.maps(product: product), passes: 10e-3, message: 20e-6, bandwidth: bandwidth)
    let sending = 3 * (20e-6 + 1e6 / bandwidth)
    #expect(timeline.end >= max(10e-3 + 2 * product, sending) - 1e-12)
    #expect(timeline.end <= timeline.sum + 1e-12)
    #expect(abs(timeline.sum - (10e-3 + 2 * product + sending)) < 1e-12)
  }

  /// A link without a limit hides all of it.
  @Test func aFastLinkLeavesPassesAndProducts() {
    let timeline = FactorTimeline(
      Self.maps(product: 1e-3), passes: 10e-3, message: 0, bandwidth: .infinity)
    #expect(abs(timeline.end - 12e-3) < 1e-12)
  }

  /// By hand: x of the second map is ready at 3.33 ms, its dy at 6.67, the first map's dy at 10; each takes
  /// 5 ms. The second map's product ends at 14.33 ms. The first map's dy arrives at 18.33.
  @Test func theLastFactorIsWaitedFor() {
    let timeline = FactorTimeline(
      Self.maps(product: 1e-3), passes: 10e-3, message: 0, bandwidth: 2e8)
    #expect(abs(timeline.end - (10e-3 / 3 + 15e-3 + 1e-3)) < 1e-9)
  }
}
