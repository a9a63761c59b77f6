import LockstepEngine

/// A pseudo-random permutation of `0..<count` that is computed element by element, so that it takes no
/// memory: a Feistel network over the next power of four, walked on until the result is in range.
///
/// Source: J. Black, P. Rogaway, "Ciphers with arbitrary finite domains", 2002.
struct KeyedPermutation {
  private static let rounds = 6

  private let count: UInt64
  /// The bits of each half.
  private let bits: UInt64
  private let keys: [UInt64]

  /// - Parameter random: what the keys are drawn from.
  init(count: Int, using random: inout CounterGenerator) {
    self.count = UInt64(count)
    var bits: UInt64 = 1
    while bits < 31, 1 << (2 * bits) < self.count { bits += 1 }
    self.bits = bits
    keys = (0..<Self.rounds).map { _ in random.next() }
  }

  /// Where an element goes.
  func callAsFunction(_ index: Int) -> Int {
    var value = UInt64(index)
    repeat { value = encrypted(value) } while value >= count
    return Int(value)
  }

  /// The network is a bijection of `0..<4^bits` whatever its round function is.
  private func encrypted(_ value: UInt64) -> UInt64 {
    let mask: UInt64 = 1 << bits - 1
    var (left, right) = (value >> bits, value & mask)
    for key in keys { (left, right) = (right, left ^ Self.mixed(right ^ key) & mask) }
    return left << bits | right
  }

  /// The finaliser of SplitMix64.
  private static func mixed(_ value: UInt64) -> UInt64 {
    var z = value
    z = (z ^ z >> 30) &* 0xbf58_476d_1ce4_e5b9
    z = (z ^ z >> 27) &* 0x94d0_49bb_1331_11eb
    return z ^ z >> 31
  }
}
