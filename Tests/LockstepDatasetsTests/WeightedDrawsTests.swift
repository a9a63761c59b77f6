import LockstepDatasets
import Testing

/// Examples drawn by weights.
@Suite struct WeightedDrawsTests {
  private func sampler(_ draws: WeightedDraws, batchSize: Int, seed: UInt64 = 1) throws -> Sampler {
    try Sampler(
      count: draws.count, batchSize: batchSize, seed: seed, shuffle: true, dropLast: false,
      mostInMemory: Sampler.mostInMemory, draws: draws)
  }

  /// The draws of an epoch do not depend on how it is cut into batches, nor on where it was begun.
  @Test(arguments: [1, 2, 3, 7, 64, 1000]) func batchesAreParts(batchSize: Int) throws {
    let draws = try WeightedDraws([1, 0, 2, 5, 0.5], count: 101)
    let sampler = try sampler(draws, batchSize: batchSize)
    for epoch in 0..<2 {
      var found: [Int] = []
      for batch in 0..<sampler.batchesPerEpoch {
        let next = try sampler.batch()
        if batch > 0 { #expect(found.count == batch * batchSize) }
        found += next
        let announced = sampler.next()
        sampler.advance()
        #expect(try sampler.batch() == announced.examples)
      }
      #expect(found == sampler.order(ofEpoch: epoch))
      #expect(found.count == 101 && !found.contains(1))
    }
    #expect(sampler.order(ofEpoch: 0) != sampler.order(ofEpoch: 1))
  }

  /// Each example is drawn as often as its weight says, to within five standard deviations.
  @Test func frequenciesAreTheWeights() throws {
    let weights = [1.0, 0, 3, 6]
    let count = 40000
    let draws = try WeightedDraws(weights, count: count)
    let order = try sampler(draws, batchSize: 10, seed: 9).order(ofEpoch: 3)
    for (example, weight) in weights.enumerated() {
      let share = weight / 10
      let found = Double(order.count { $0 == example })
      let deviation = (Double(count) * share * (1 - share)).squareRoot()
      #expect(abs(found - Double(count) * share) <= 5 * deviation)
    }
  }

  @Test func weightsAreChecked() {
    for weights in [[-1.0, 2], [0, 0], [.nan], [], [.infinity]] as [[Double]] {
      #expect(throws: DatasetError.self) { try WeightedDraws(weights, count: 5) }
    }
    #expect(throws: DatasetError.self) { try WeightedDraws([1], count: 0) }
  }
}
