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
