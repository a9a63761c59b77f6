import LockstepReports
import Testing

/// A history with the norms given, and a loss that falls slowly but for the steps named.
private func history(
  _ norms: [Double], clipped: Bool = false, loss: (Int) -> Double = { 2 - 0.001 * Double($0) }
) -> RunHistory {
  RunHistory(
    steps: norms.enumerated().map { index, norm in
      .init(
        step: index + 1, loss: loss(index), gradientNorm: norm, clippedGradientNorm: norm,
        clipped: clipped)
    })
}

@Suite struct ClipSuggestionTests {
  /// Norms 1, 2, …: a threshold at a percentile clips what is above it.
  @Test func candidatesClipWhatTheySay() throws {
    let norms = (0..<1000).map { 1 + Double(($0 * 389) % 1000) / 1000 }
    let suggestion = try ClipSuggestion(history(norms))
    #expect(suggestion.stepCount == 900)
    #expect(suggestion.candidates.map(\.percentile) == [50, 75, 90, 95, 99])
    for candidate in suggestion.candidates {
      let above = norms.dropFirst(100).count { $0 > candidate.threshold }
      #expect(candidate.clippedFraction == Double(above) / 900)
      #expect((candidate.clippedFraction - (1 - candidate.percentile / 100)).magnitude < 0.02)
    }
    // Tame norms: the gentlest one.
    #expect(suggestion.spikes.isEmpty)
    #expect(suggestion.choice.percentile == 99)
  }

  /// The answer scales with the norms.
  @Test func thresholdsScaleWithTheNorms() throws {
    let norms = (0..<200).map { 1 + Double(($0 * 37) % 100) / 100 }
    let one = try ClipSuggestion(history(norms))
    let thousand = try ClipSuggestion(history(norms.map { $0 * 1000 }))
    for (a, b) in zip(one.candidates, thousand.candidates) {
      #expect((b.threshold / a.threshold / 1000 - 1).magnitude < 1e-9)
    }
  }

  @Test func spikesAreFoundWithWhatTheyDid() throws {
    var norms = [Double](repeating: 1, count: 300)
    for index in norms.indices { norms[index] += 0.1 * Double(index % 5) }
    norms[150] = 40
    let harmless = try ClipSuggestion(history(norms))
    #expect(harmless.spikes.map(\.step) == [151])
    #expect(harmless.spikes[0].ratio > 25)
    #expect(harmless.choice.percentile == 95)
    // The same norms with a loss that jumps behind the spike.
    let harmful = try ClipSuggestion(
      history(norms) { index in (150..<180).contains(index) ? 5 : 2 })
    #expect(harmful.spikes[0].lossRatio > 2)
    #expect(harmful.choice.percentile == 90)
    #expect(harmful.reasoning.contains { $0.contains("Large steps did harm") })
  }

  @Test func aRunThatClipsNearlyAllStepsIsTold() throws {
    let norms = (0..<100).map { 5 + Double($0 % 7) }
    let always = try ClipSuggestion(history(norms, clipped: true))
    #expect(always.clippedFraction == 1)
    #expect(always.reasoning.contains { $0.contains("turn the same knob") })
    let never = try ClipSuggestion(history(norms))
    #expect(!never.reasoning.contains { $0.contains("turn the same knob") })
  }

  @Test func shortHistoriesAndInfinitiesAreNotTaken() {
    let short = #expect(throws: ClipSuggestionError.self) {
      try ClipSuggestion(history([Double](repeating: 1, count: 21)))
    }
    #expect(short?.found == 19)
    let infinite = #expect(throws: ClipSuggestionError.self) {
      try ClipSuggestion(history([Double](repeating: .infinity, count: 100)))
    }
    #expect(infinite?.found == 0)
  }
}
