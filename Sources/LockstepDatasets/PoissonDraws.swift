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
