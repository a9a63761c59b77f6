/// How many of a tensor's values lie where, in buckets of four to each power of two: the first eleven bits of a
/// Float32 are the bucket's number, so that counting is exact and takes no logarithm.
package struct ValueHistogram: Sendable, Equatable {
  /// The least value.
  package private(set) var least = Double.infinity
  /// The largest.
  package private(set) var largest = -Double.infinity
  /// The number of finite values.
  package private(set) var count = 0
  /// Their sum.
  package private(set) var sum = 0.0
  /// The sum of their squares.
  package private(set) var squares = 0.0

  private var counts = [Int](repeating: 0, count: 1 << 11)

  /// Bits of a value that are not in its bucket's number.
  private static let shift: UInt32 = 21

  /// Counts values; those that are not finite have no place and are left out.
  package init(_ values: UnsafeBufferPointer<Float>) {
    for value in values {
      guard value.isFinite else { continue }
      counts[Int(value.bitPattern >> Self.shift)] += 1
      let wide = Double(value)
      if wide < least { least = wide }
      if wide > largest { largest = wide }
      count += 1
      sum += wide
      squares += wide * wide
    }
  }

  /// The buckets from the lowest to the highest that holds a value: the upper limit of each, and how many
  /// values are in it. Empty ones side by side are one.
  package var buckets: [(limit: Double, count: Int)] {
    let half = counts.count / 2
    // Negative numbers have the sign bit, and the larger ones the larger patterns.
    let order = (half..<counts.count).reversed() + (0..<half)
    var buckets: [(limit: Double, count: Int)] = []
    for index in order {
      let count = counts[index]
      // Before the first value.
      if buckets.isEmpty, count == 0 { continue }
      let limit = Self.limit(index, half)
      if count == 0, buckets.last?.count == 0 {
        buckets[buckets.count - 1].limit = limit
      } else {
        buckets.append((limit, count))
      }
    }
    if buckets.last?.count == 0 { buckets.removeLast() }
    return buckets
  }

  private static func limit(_ index: Int, _ half: Int) -> Double {
    let isNegative = index >= half
    // The next bucket of a positive number begins where this one ends; a negative one ends at its least size.
    let pattern = UInt32(isNegative ? index - half : index + 1) << shift
    let size = Float(bitPattern: pattern)
    let value = size.isFinite ? Double(size) : Double(Float.greatestFiniteMagnitude)
    return isNegative ? -value : value
  }
}
