import LockstepReports
import Testing

@Suite struct BatchSizeSuggestionTests {
  /// Sizes whose |g|² is what theory says: |G|² + S/B.
  private func found(
    signal: Double, noise: Double, rates: [Int: Double]
  ) -> BatchSizeSuggestion {
    var found = BatchSizeSuggestion()
    for (size, rate) in rates.sorted(by: { $0.key < $1.key }) {
      var one = BatchSizeSuggestion.Size(size, memory: 1)
      let square = signal + noise / Double(size)
      // Norms that differ by chance, with this mean of squares.
      for sign in [-1.0, 1] {
        one.add(norm: (square * (1 + 0.5 * sign)).squareRoot(), examplesPerSecond: rate)
      }
      found.add(one)
    }
    return found
  }

  @Test func theNoiseScaleIsTheVarianceByTheSquareOfTheGradient() throws {
    let found = found(signal: 0.5, noise: 40, rates: [8: 100, 32: 100, 256: 100])
    #expect(abs(try #require(found.noiseScale) / 80 - 1) < 1e-12)
    #expect(found.suggested == 8)
  }

  @Test func theSuggestionIsFastAndNotBeyondTheNoiseScale() {
    let rates: [Int: Double] = [16: 100, 32: 180, 64: 250, 128: 270, 256: 300]
    #expect(found(signal: 1, noise: 1000, rates: rates).suggested == 128)
    #expect(found(signal: 1, noise: 100, rates: rates).suggested == 64)
    #expect(found(signal: 1, noise: 3, rates: rates).suggested == 16)
    #expect(found(signal: 0, noise: 9, rates: rates).noiseScale ?? 1e9 > 1e9)
  }

  @Test func oneSizeShowsNoNoise() {
    #expect(found(signal: 1, noise: 1, rates: [16: 100]).noiseScale == nil)
    #expect(found(signal: 1, noise: 1, rates: [16: 100]).suggested == 16)
    #expect(BatchSizeSuggestion().suggested == nil)
  }
}
