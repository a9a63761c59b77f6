/// What a test of batch sizes found: how fast steps of each size are, and how much gradients of one size
/// differ by chance.
///
/// With weights that stand still, the mean of |g|² over batches of B examples is |G|² + S/B: G is the gradient
/// over all data, S the variance of one example's gradient. The gradient noise scale S/|G|² is the batch size
/// beyond which more examples make a step hardly better.
///
/// Source: S. McCandlish, J. Kaplan, D. Amodei, "An empirical model of large-batch training", 2018, appendix A.
package struct BatchSizeSuggestion: Sendable {
  /// One batch size.
  package struct Size: Sendable {
    /// The number of examples of a batch.
    package let batchSize: Int
    /// The bytes that a rank needs, data aside.
    package let memory: Int
    /// |g|² of each step, before clipping.
    package private(set) var squares: [Double] = []
    private var rates: [Double] = []

    package init(_ batchSize: Int, memory: Int) {
      self.batchSize = batchSize
      self.memory = memory
    }

    /// Takes a step's gradient norm, and the examples a second that it did.
    package mutating func add(norm: Double, examplesPerSecond: Double) {
      squares.append(norm * norm)
      rates.append(examplesPerSecond)
    }

    /// The median of the examples a second; 0 without steps.
    package var examplesPerSecond: Double {
      rates.isEmpty ? 0 : rates.sorted()[rates.count / 2]
    }

    /// The mean of |g|².
    package var meanSquare: Double {
      squares.isEmpty ? .nan : squares.reduce(0, +) / Double(squares.count)
    }
  }

  /// The sizes, in ascending order.
  package private(set) var sizes: [Size] = []

  package init() {}

  /// Takes a size, larger than those before.
  package mutating func add(_ size: Size) { sizes.append(size) }

  /// The gradient noise scale, of the smallest and the largest size; nil with one size, infinite where the
  /// gradient over all data is lost in the noise.
  package var noiseScale: Double? {
    guard let small = sizes.first, let large = sizes.last, small.batchSize < large.batchSize else {
      return nil
    }
    let (b, c) = (Double(small.batchSize), Double(large.batchSize))
    let signal = (c * large.meanSquare - b * small.meanSquare) / (c - b)
    let noise = (small.meanSquare - large.meanSquare) / (1 / b - 1 / c)
    guard noise > 0 else { return noise.isNaN ? nil : 0 }
    return signal > 0 ? noise / signal : .infinity
  }

  /// The smallest size that is as good as the fastest within a tenth, among those up to the noise scale; the
  /// smallest of all where that is below them. Nil without sizes.
  package var suggested: Int? {
    let most = noiseScale ?? .infinity
    let useful = sizes.filter { Double($0.batchSize) <= most }
    guard let fastest = useful.map(\.examplesPerSecond).max() else { return sizes.first?.batchSize }
    return useful.first { $0.examplesPerSecond >= 0.9 * fastest }?.batchSize
  }
}
