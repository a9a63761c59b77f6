import LockstepReports
import Testing

@Suite struct RateSuggestionTests {
  /// A loss that falls in the middle and grows at the end.
  @Test func theSteepestPlaceIsFound() throws {
    var found = RateSuggestion(smoothing: 0)
    var rates: [Double] = []
    for step in 0..<60 {
      let x = Double(step)
      let fall = x < 20 ? 0 : min(x - 20, 20) / 20
      let loss = 2 - fall * fall * (3 - 2 * fall) + (x > 45 ? (x - 45) * (x - 45) : 0)
      let rate = 1e-5 * (0..<step).reduce(1.0) { rate, _ in rate * 1.25 }
      rates.append(rate)
      found.add(rate: rate, loss: loss)
      if found.hasDiverged { break }
    }
    #expect(found.steepest == rates[30])
    #expect(found.suggested == min(rates[30], (found.lowest?.rate ?? 0) / 10))
    #expect(found.hasDiverged && found.points.count < 60)
    #expect(found.plot(title: "t").series.count == 3)
  }

  /// Noise of the first steps is no fall: what is suggested lies where the loss goes down.
  @Test(arguments: 0..<8) func noiseSuggestsNothing(seed: Int) throws {
    var state = UInt64(seed) &* 0x9E37_79B9_7F4A_7C15 &+ 1
    func noise() -> Double {
      state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
      return Double(state >> 33) / Double(1 << 31) - 0.5
    }
    var (falls, flat) = (RateSuggestion(), RateSuggestion())
    for step in 0..<100 {
      let rate = 1e-7 * (0..<step).reduce(1.0) { rate, _ in rate * 1.2 }
      let x = Double(step)
      falls.add(rate: rate, loss: 0.7 - (x < 60 ? 0 : min(x - 60, 30) / 100) + 0.3 * noise())
      flat.add(rate: rate, loss: 0.7 + 0.3 * noise())
    }
    let steepest = try #require(falls.steepest)
    #expect(steepest > falls.points[55].rate)
    #expect(flat.steepest == nil)
  }

  @Test func losesThatDoNotFallSuggestNothing() {
    var found = RateSuggestion()
    #expect(found.steepest == nil && found.lowest == nil && !found.hasDiverged)
    for step in 1...30 { found.add(rate: Double(step), loss: Double(step)) }
    #expect(found.steepest == nil)
    found.add(rate: 31, loss: .nan)
    #expect(found.points.count == 30)
  }

  /// The mean is that of Adam's moments: the first value stands for itself.
  @Test func smoothingHasNoBias() {
    var found = RateSuggestion(smoothing: 0.9)
    found.add(rate: 1, loss: 5)
    found.add(rate: 2, loss: 5)
    #expect(found.points.allSatisfy { abs($0.smoothed - 5) < 1e-12 })
  }
}
