/// A place in a program where all shards of a batch must meet: each contributes a vector, the vectors
/// are folded over the shards, and every shard goes on with the result.
///
/// Vectors are Doubles: the number of values a channel, then two numbers a channel. A shard without
/// examples contributes zeros. The engine says how two vectors become one; who adds which ones, and how
/// they travel, is the caller's.
package struct SynchronizationPoint: Sendable, Equatable {
  package enum Kind: Sendable {
    /// For each channel its mean, and the sum of squares of the deviations from it.
    case moments
    /// Sums.
    case sums
  }

  package let kind: Kind
  package let channels: Int
  /// How many values of a channel an example has.
  package let valuesPerExample: Int
  /// The layer, for messages.
  package let layer: String

  package init(kind: Kind, channels: Int, valuesPerExample: Int = 1, layer: String) {
    self.kind = kind
    self.channels = channels
    self.valuesPerExample = valuesPerExample
    self.layer = layer
  }

  /// For an operation on an input [N, C, …].
  init(kind: Kind, of input: TensorType, layer: String) {
    self.init(
      kind: kind, channels: input.shape[1],
      valuesPerExample: input.shape.dropFirst(2).reduce(1, *), layer: layer)
  }

  /// The length of a vector.
  package var count: Int { 1 + 2 * channels }

  /// a = the vector of the shards of both; `b`'s shards come behind `a`'s.
  ///
  /// Source (moments): T. Chan, G. Golub, R. LeVeque, "Updating formulae and a pairwise algorithm for
  /// computing sample variances", COMPSTAT 1982.
  package func combine(_ a: UnsafeMutablePointer<Double>, with b: UnsafePointer<Double>) {
    switch kind {
    case .sums: for i in 0..<count { a[i] += b[i] }
    case .moments:
      let (before, more) = (a[0], b[0])
      guard more > 0 else { return }
      guard before > 0 else { return a.update(from: b, count: count) }
      let total = before + more
      let share = more / total
      for mean in 1...channels {
        let squares = mean + channels
        let distance = b[mean] - a[mean]
        a[mean] += distance * share
        a[squares] += b[squares] + distance * distance * (before * share)
      }
      a[0] = total
    }
  }

  /// Throws ``GraphError`` where a folded vector is one that no statistics can be made of. A micro-batch
  /// that no shard has an example of needs none.
  package func check(_ folded: UnsafePointer<Double>) throws(GraphError) {
    try check(values: folded[0])
  }

  /// Throws ``GraphError`` where no statistics can be made of so many examples in all shards together.
  package func check(examples: Int) throws(GraphError) {
    try check(values: Double(examples) * Double(valuesPerExample))
  }

  private func check(values: Double) throws(GraphError) {
    guard kind == .moments, values == 1 else { return }
    let place = layer.isEmpty ? "" : "layer '\(layer)': "
    throw GraphError(
      place + "one value a channel in the whole batch has no variance; use a larger "
        + "`batchSize`, fewer micro-batches, or drop the last partial batch")
  }
}

/// An operation that sees all shards of a batch.
protocol SynchronizedOperation: Operation {
  /// What its shards fold in the middle of it, given the type of its first input.
  func synchronization(_ input: TensorType, layer: String) -> SynchronizationPoint
}
