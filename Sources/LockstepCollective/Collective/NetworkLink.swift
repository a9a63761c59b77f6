/// The link between nodes in Hockney's model: a message of m bytes takes α + m/β.
///
/// Source: Hockney, "The communication challenge for MPP", Parallel Computing 20, 1994.
package struct NetworkLink: Sendable, Equatable {
  /// α in seconds.
  package var latency: Double
  /// β in bytes a second, of each node, in each direction.
  package var bandwidth: Double

  /// Makes a link with a latency in seconds and a bandwidth in bytes a second.
  package init(latency: Double, bandwidth: Double) {
    self.latency = latency
    self.bandwidth = bandwidth
  }

  /// How many bytes of gradients should travel together beside the backward pass: the power of two
  /// nearest to 16 α β, what the link carries in sixteen times its latency, from 64 KiB to 4 MiB.
  ///
  /// Smaller buckets would start earlier and pay α more often, part of it in the thread that computes:
  /// with these, latency is about a seventeenth of a bucket's time, and the last bucket, which nothing
  /// hides, takes about seventeen latencies.
  package var bucketBytes: Int {
    let bytes = 16 * latency * bandwidth
    var power = Self.bucketLimits.lowerBound
    // The nearest by ratio.
    while power < Self.bucketLimits.upperBound, Double(power) * 2.0.squareRoot() < bytes {
      power *= 2
    }
    return power
  }

  /// The least and the most that ``bucketBytes`` can be.
  package static let bucketLimits = 64 << 10...4 << 20
}
