/// The few lengths that sequences of different lengths are padded to, in ascending order.
package struct PaddedLengths: Sendable, Equatable {
  /// The most steps of a series.
  package static let limit = 1 << 20

  /// The lengths, at least one.
  package let values: [Int]

  /// - Returns: nil unless the lengths ascend, from 1 on.
  package init?(_ values: [Int]) {
    guard let first = values.first, first > 0, values.last ?? 0 <= Self.limit,
      zip(values, values.dropFirst()).allSatisfy({ $0 < $1 })
    else { return nil }
    self.values = values
  }

  /// The powers of two that hold sequences of these lengths, at least one and none of them 0.
  init(covering lengths: [Int]) {
    var values: [Int] = []
    var power = Self.power(from: lengths.min() ?? 1)
    let last = Self.power(from: lengths.max() ?? 1)
    while power <= last {
      values.append(power)
      power *= 2
    }
    self.values = values
  }

  private static func power(from length: Int) -> Int {
    length <= 1 ? 1 : 1 << (Int.bitWidth - (length - 1).leadingZeroBitCount)
  }

  /// The longest of them.
  package var longest: Int { values[values.count - 1] }

  /// The number of the shortest length that holds a sequence; nil where it is longer than all.
  package func bucket(of length: Int) -> Int? { values.firstIndex { $0 >= length } }
}
