import LockstepEngine

/// Batches in which each example is with the same probability, by a draw of its own: what the privacy of a noisy
/// training is told for. Sizes of batches differ about their mean, and a batch may be empty.
///
/// The draws of a step follow from the seed and the step's number alone. From one example of a batch to the next
/// are ⌊ln u / ln(1 − q)⌋ + 1 places, u uniform in (0, 1]: a step draws one number more than its batch has examples.
package struct PoissonDraws: Sendable, Equatable {
  /// The number of examples.
  package let population: Int
  /// The mean number of examples of a batch.
  package let mean: Int
  /// The probability q.
  package var rate: Double { Double(mean) / Double(population) }

  /// - Parameters:
  ///   - population: the number of examples.
  ///   - mean: that of a batch, from 1 to `population`.
  /// - Throws: `DatasetError` where a batch would have more examples than there are.
  package init(population: Int, mean: Int) throws(DatasetError) {
    guard mean > 0, mean <= population else {
      throw DatasetError(
        "sampling",
        "batches of \(mean) examples cannot be drawn from \(population): make the batch smaller")
    }
    self.population = population
    self.mean = mean
  }

  /// The sizes that plans and memory are made ready for, in order: six deviations about the mean, which one batch
  /// in a billion leaves. Larger ones are computed, too.
  package var plannedSizes: ClosedRange<Int> {
    let width = Int((6 * (Double(mean) * (1 - rate)).squareRoot()).rounded(.up))
    return max(mean - width, 1)...min(mean + width, population)
  }

  /// Shards have a multiple of so many examples, so that there are few sizes of them.
  private func quantum(shards: Int) -> Int { max(mean / shards / 8, 1) }

  /// The number of examples of each of so many shards of a batch of `count`.
  private func shardSize(_ count: Int, shards: Int) -> Int {
    let quantum = quantum(shards: shards)
    return max((count + shards * quantum - 1) / (shards * quantum), 1) * quantum
  }

  /// The sizes that batches of the planned sizes have when they are filled up.
  package func filledSizes(shards: Int) -> [Int] {
    let sizes = [plannedSizes.lowerBound, plannedSizes.upperBound].map {
      shardSize($0, shards: shards)
    }
    return stride(from: sizes[0], through: sizes[1], by: quantum(shards: shards)).map {
      $0 * shards
    }
  }

  /// A batch with others behind its examples, so that all shards have one size: drawn with replacement, from all.
  /// They are computed, and add nothing to the gradient.
  package func filled(
    _ examples: ArraySlice<Int>, shards: Int, seed: UInt64, step: Int
  ) -> ArraySlice<Int> {
    var generator = CounterGenerator(
      seed: seed, .inclusion, index: UInt32(truncatingIfNeeded: step), position: 1 << 40)
    let missing = shardSize(examples.count, shards: shards) * shards - examples.count
    return examples + (0..<missing).map { _ in generator.index(below: population) }
  }

  /// The examples of a step's batch, in the data's order.
  package func examples(seed: UInt64, step: Int) -> [Int] {
    guard mean < population else { return Array(0..<population) }
    var generator = CounterGenerator(
      seed: seed, .inclusion, index: UInt32(truncatingIfNeeded: step))
    let scale = 1 / naturalLogarithm(1 - rate)
    var examples: [Int] = []
    examples.reserveCapacity(plannedSizes.upperBound)
    var place = -1
    while true {
      let gap = naturalLogarithm(1 - generator.nextUniform()) * scale
      guard gap < Double(population - place) else { return examples }
      place += Int(gap) + 1
      guard place < population else { return examples }
      examples.append(place)
    }
  }
}
