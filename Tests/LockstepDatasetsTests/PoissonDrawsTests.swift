import LockstepDatasets
import Testing

@Suite struct PoissonDrawsTests {
  @Test(arguments: [(4000, 64), (100, 1), (50, 49), (7, 7)])
  func eachExampleIsInABatchWithTheSameProbability(population: Int, mean: Int) throws {
    let draws = try PoissonDraws(population: population, mean: mean)
    let steps = 4000
    var counts = [Int](repeating: 0, count: population)
    var sizes: [Int] = []
    for step in 0..<steps {
      let examples = draws.examples(seed: 5, step: step)
      #expect(zip(examples, examples.dropFirst()).allSatisfy { $0 < $1 })
      #expect(examples.allSatisfy { (0..<population).contains($0) })
      for example in examples { counts[example] += 1 }
      sizes.append(examples.count)
    }
    // Six deviations of a binomial variable.
    let rate = draws.rate
    let deviation = (Double(steps) * rate * (1 - rate)).squareRoot()
    #expect(counts.allSatisfy { abs(Double($0) - Double(steps) * rate) <= 6 * deviation })
    let average = Double(sizes.reduce(0, +)) / Double(steps)
    let spread = (Double(population) * rate * (1 - rate)).squareRoot()
    #expect(abs(average - Double(mean)) <= 6 * spread / Double(steps).squareRoot())
    let variance =
      sizes.reduce(0.0) { $0 + (Double($1) - Double(mean)) * (Double($1) - Double(mean)) }
      / Double(steps)
    #expect(abs(variance - spread * spread) <= 0.2 * spread * spread)
    #expect(sizes.allSatisfy { draws.plannedSizes.contains($0) || $0 == 0 })
  }

  /// Whether one example is in a batch tells nothing of its neighbours.
  @Test func neighboursAreDrawnByThemselves() throws {
    let draws = try PoissonDraws(population: 20, mean: 5)
    let steps = 8000
    var both = 0
    for step in 0..<steps {
      let examples = draws.examples(seed: 1, step: step)
      if examples.contains(3), examples.contains(4) { both += 1 }
    }
    #expect(abs(Double(both) - Double(steps) / 16) <= 6 * (Double(steps) / 16).squareRoot())
  }

  @Test func aStepHasItsOwnBatchWhateverCameBefore() throws {
    let sampler = try Sampler(
      count: 100, batchSize: 10, seed: 3, shuffle: true, dropLast: false, mostInMemory: 1,
      poisson: PoissonDraws(population: 100, mean: 10))
    #expect(sampler.batchesPerEpoch == 10)
    var batches: [[Int]] = []
    for _ in 0..<25 {
      let next = sampler.next().examples
      batches.append(Array(try sampler.batch()))
      sampler.advance()
      #expect(Array(next) == Array(try sampler.batch()))
    }
    #expect(Set(batches).count == 25)
    #expect(
      batches[13] == (try PoissonDraws(population: 100, mean: 10)).examples(seed: 3, step: 13))
  }

  /// All shards of a step have one size, of few, and what fills them up is behind the batch's own examples.
  @Test(arguments: [(4000, 128, 4), (300, 10, 8), (64, 64, 2)])
  func batchesAreFilledUp(population: Int, mean: Int, shards: Int) throws {
    let draws = try PoissonDraws(population: population, mean: mean)
    let planned = draws.filledSizes(shards: shards)
    #expect(planned.count <= 24)
    for step in 0..<200 {
      let own = draws.examples(seed: 2, step: step)
      let filled = draws.filled(own[...], shards: shards, seed: 2, step: step)
      #expect(Array(filled.prefix(own.count)) == own)
      #expect(filled.count % shards == 0 && planned.contains(filled.count))
      #expect(filled.allSatisfy { (0..<population).contains($0) })
      #expect(Array(filled) == Array(draws.filled(own[...], shards: shards, seed: 2, step: step)))
    }
    #expect(draws.filled([], shards: shards, seed: 2, step: 0).count >= shards)
  }

  @Test func moreThanThereAreIsRefused() {
    #expect(throws: DatasetError.self) { try PoissonDraws(population: 5, mean: 6) }
    #expect(throws: DatasetError.self) { try PoissonDraws(population: 5, mean: 0) }
  }
}
