import LockstepEngine
import LockstepLayers
import Testing

/// Weights that are made of the training part's labels.
@Suite struct FittedLossTests {
  private func weights(
    _ given: ClassWeights, counts: [Int]?, names: [String]? = nil
  ) throws -> [Float] {
    let loss = SoftmaxCrossEntropy(labelSmoothing: 0, ignoreIndex: nil, weights: given)
    let rows = counts?.reduce(0, +) ?? 0
    let fitted = try loss.fitted(counts: counts, rows: rows, names: names) as? SoftmaxCrossEntropy
    return try #require(fitted?.classWeights)
  }

  /// scikit-learn's `compute_class_weight("balanced", …)`: n / (k n_c).
  @Test func balancedWeightsAreThoseOfThePeer() throws {
    #expect(try weights(.balanced, counts: [90, 10]) == [0.5555555555555556, 5])
    #expect(try weights(.balanced, counts: [4, 4, 4]) == [1, 1, 1])
    // k counts the classes that occur.
    #expect(try weights(.balanced, counts: [6, 0, 2]) == [8.0 / 12, 1, 2])
    // Every class weighs alike in the whole.
    let found = try weights(.balanced, counts: [7, 50, 3])
    for (weight, count) in zip(found, [7, 50, 3]) {
      #expect(abs(weight * Float(count) - 20) < 1e-4)
    }
  }

  @Test func weightsHaveNames() throws {
    let names = ["ham", "spam"]
    #expect(try weights(.named(["spam": 3]), counts: [1, 1], names: names) == [1, 3])
    #expect(try weights(.named(["1": 3]), counts: [1, 1]) == [1, 3])
    #expect(throws: GraphError.self) { try weights(.named(["spa": 3]), counts: [1], names: names) }
    #expect(throws: GraphError.self) { try weights(.balanced, counts: nil) }
    #expect(try weights(.given([2, 3]), counts: nil) == [2, 3])
  }

  /// Zeros over ones, of each output.
  @Test func positiveWeightsAreBalanced() throws {
    let loss = BinaryCrossEntropy(isBalanced: true)
    let fitted = try loss.fitted(counts: [10, 25], rows: 50, names: nil) as? BinaryCrossEntropy
    #expect(fitted?.positiveWeights == [4, 1])
    for counts in [[0, 3], [50, 3]] {
      #expect(throws: GraphError.self) { try loss.fitted(counts: counts, rows: 50, names: nil) }
    }
  }

  /// A loss whose weights were not made computes nothing.
  @Test func unfittedLossesAreRefused() {
    let graph = Graph(batchCount: 2, training: true)
    let x = graph.input("x", [2, 2])
    _ = SoftmaxCrossEntropy(labelSmoothing: 0, ignoreIndex: nil, weights: .balanced)(
      x, graph.input("t", [2], .int32))
    #expect(throws: GraphError.self) { try graph.check() }
    let other = Graph(batchCount: 2, training: true)
    _ = BinaryCrossEntropy(isBalanced: true)(other.input("x", [2, 1]), other.input("t", [2, 1]))
    #expect(throws: GraphError.self) { try other.check() }
  }
}
