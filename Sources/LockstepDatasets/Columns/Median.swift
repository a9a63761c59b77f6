import LockstepFiles

/// The median of numbers that may be read again and again, and are never kept: exact, in memory that does not
/// grow with their count.
///
/// Numbers in ascending order are those of an order-preserving code of their bits. Four passes find one, 16 bits
/// of it each, by counting.
package enum Median {
  /// The median of `count` numbers; of an even count the mean of the two in the middle.
  ///
  /// - Parameters:
  ///   - count: at least one.
  ///   - forEach: hands all of them over, in any order; none is NaN.
  package static func of(
    count: Int, _ forEach: ((Double) -> Void) throws(FileError) -> Void
  ) throws(FileError) -> Double {
    let low = try number((count - 1) / 2, forEach)
    if count % 2 == 1 { return low }
    // The other one is the same number, or the smallest of those behind it.
    var (notAbove, next) = (0, Double.infinity)
    try forEach { value in
      if value <= low { notAbove += 1 } else { next = min(next, value) }
    }
    return (low + (notAbove > count / 2 ? low : next)) / 2
  }

  /// The number at a place in ascending order.
  private static func number(
    _ place: Int, _ forEach: ((Double) -> Void) throws(FileError) -> Void
  ) throws(FileError) -> Double {
    var (known, rest) = (UInt64(0), place)
    for shift in [UInt64(48), 32, 16, 0] {
      var counts = [Int](repeating: 0, count: 1 << 16)
      try forEach { value in
        let code = code(value)
        if shift == 48 || code >> (shift + 16) == known >> (shift + 16) {
          counts[Int(truncatingIfNeeded: code >> shift) & 0xffff] += 1
        }
      }
      var digit = 0
      while digit < 0xffff, rest >= counts[digit] {
        rest -= counts[digit]
        digit += 1
      }
      known |= UInt64(digit) << shift
    }
    return Double(bitPattern: known >> 63 == 1 ? known & ~(1 << 63) : ~known)
  }

  /// The code of a number, which is larger for a larger number; that of −0 is 0's.
  private static func code(_ value: Double) -> UInt64 {
    let bits = (value + 0).bitPattern
    return bits >> 63 == 1 ? ~bits : bits | 1 << 63
  }
}
