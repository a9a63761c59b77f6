/// Philox4x32-10: a random function of a counter and a key, with no state in between.
///
/// 128 bits of counter and 64 bits of key give 128 random bits. Whoever asks for the numbers of
/// (seed, step, example, layer, index) gets the same ones, on any rank, in any order: this is what
/// keeps dropout, shuffling and initial weights independent of the number of ranks and threads.
///
/// Source: J. Salmon, M. Moraes, R. Dror, D. Shaw, "Parallel random numbers: as easy as 1, 2, 3",
/// SC 2011; checked against the known answers of Random123.
package enum Philox {
  /// Four random words for a counter and a key.
  @inlinable
  package static func block(counter: SIMD4<UInt32>, key: SIMD2<UInt32>) -> SIMD4<UInt32> {
    var (c0, c1, c2, c3) = (counter[0], counter[1], counter[2], counter[3])
    var (k0, k1) = (key[0], key[1])
    for _ in 0..<10 {
      let (high0, low0) = c0.multipliedFullWidth(by: 0xD251_1F53)
      let (high1, low1) = c2.multipliedFullWidth(by: 0xCD9E_8D57)
      (c0, c1, c2, c3) = (high1 ^ c1 ^ k0, low1, high0 ^ c3 ^ k1, low0)
      k0 &+= 0x9E37_79B9
      k1 &+= 0xBB67_AE85
    }
    return SIMD4(c0, c1, c2, c3)
  }

  /// The key of a seed: low word, high word.
  @inlinable
  package static func key(seed: UInt64) -> SIMD2<UInt32> {
    SIMD2(UInt32(truncatingIfNeeded: seed), UInt32(truncatingIfNeeded: seed >> 32))
  }
}
