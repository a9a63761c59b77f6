import LockstepEngine
import LockstepPlatform

/// Draws from raw 64-bit words, so that values do not depend on the standard library's own
/// transforms.
extension RandomNumberGenerator {
  /// A multiple of 2⁻⁵³ in 0..<1.
  mutating func drawUniform() -> Double { Double(next() >> 11) * 0x1p-53 }

  /// A number of the standard normal distribution, by Marsaglia's polar method; basic arithmetic
  /// alone, so the bits are the same on any machine.
  mutating func drawNormal() -> Double {
    while true {
      let (x, y) = (2 * drawUniform() - 1, 2 * drawUniform() - 1)
      let square = x * x + y * y
      if square > 0, square < 1 {
        return x * (-2 * naturalLogarithm(square) / square).squareRoot()
      }
    }
  }

  /// A number of the standard normal distribution under the condition that it lies in a range.
  mutating func drawNormal(in range: ClosedRange<Double>) -> Double {
    var (lower, upper) = (range.lowerBound, range.upperBound)
    if upper - lower > 1, lower < 1, upper > -1 {
      // The range holds at least an eighth of the distribution.
      while true {
        let x = drawNormal()
        if range.contains(x) { return x }
      }
    }
    // Uniform proposals, accepted by the density relative to its maximum in the range; a far tail is
    // cut where the density has fallen by more than e⁻⁴⁰.
    let mode = min(max(0, lower), upper)
    if lower >= 1 { upper = min(upper, lower + 40 / lower) }
    if upper <= -1 { lower = max(lower, upper + 40 / upper) }
    while true {
      let x = lower + (upper - lower) * drawUniform()
      if drawUniform() < exp((mode * mode - x * x) / 2) { return x }
    }
  }
}
