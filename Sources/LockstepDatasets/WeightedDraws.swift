import LockstepEngine

/// Examples drawn with replacement, by weights. The draws of an epoch follow from the seed, the epoch and the
/// place of the draw alone: batches are computed when they are asked for, on any number of ranks alike.
package struct WeightedDraws: Sendable {
  /// The number of draws of an epoch.
  package let count: Int
  /// The number of examples that are drawn from.
  package let population: Int
  /// The sums of the weights of the examples up to each one.
  private let sums: [Double]

  /// - Parameters:
  ///   - weights: how often each example is drawn, over the sum of all; none negative, not all 0.
  ///   - count: the number of draws of an epoch.
  package init(_ weights: [Double], count: Int) throws(DatasetError) {
    var sums: [Double] = []
    sums.reserveCapacity(weights.count)
    var sum = 0.0
    for (example, weight) in weights.enumerated() {
      guard weight >= 0, weight.isFinite else {
        throw DatasetError(
          "sampling", "the weight of example \(example + 1) is \(weight); weights are not negative")
      }
      sum += weight
      sums.append(sum)
    }
    guard sum > 0, sum.isFinite, count > 0 else {
      throw DatasetError("sampling", "all weights are 0, or nothing is to be drawn")
    }
    self.sums = sums
    self.count = count
    population = weights.count
  }

  /// The examples of some draws of an epoch.
  func examples(at draws: Range<Int>, seed: UInt64, epoch: Int) -> [Int] {
    // A draw takes two words, of which a block has four.
    var generator = CounterGenerator(
      seed: seed, .sampling, index: UInt32(truncatingIfNeeded: epoch),
      position: UInt64(draws.lowerBound / 2))
    if draws.lowerBound % 2 == 1 { _ = generator.next() }
    return draws.map { _ in example(generator.next()) }
  }

  private func example(_ word: UInt64) -> Int {
    let place = Double(word >> 11) * 0x1p-53 * (sums.last ?? 0)
    // The first example whose sum is above the place.
    var (low, high) = (0, sums.count - 1)
    while low < high {
      let middle = (low + high) / 2
      if sums[middle] > place { high = middle } else { low = middle + 1 }
    }
    return low
  }
}
