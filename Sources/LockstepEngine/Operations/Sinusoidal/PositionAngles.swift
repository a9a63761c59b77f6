/// Sine and cosine of position / base^(pair / pairs), for every position and pair.
///
/// They are sums of series in Double, with the operations that IEEE 754 rounds alone: the same bits on every
/// machine, which a mathematical library does not promise.
struct PositionAngles {
  /// Row-major [positions, pairs].
  private(set) var sines: [Double] = []
  private(set) var cosines: [Double] = []

  init(positions: Int, pairs: Int, base: Double) {
    let logarithm = Self.logarithm(base)
    let rates = (0..<pairs).map { Self.power(-logarithm * Double($0) / Double(pairs)) }
    sines.reserveCapacity(positions * pairs)
    cosines.reserveCapacity(positions * pairs)
    for position in 0..<positions {
      for rate in rates {
        let (sine, cosine) = Self.sineAndCosine(Double(position) * rate)
        sines.append(sine)
        cosines.append(cosine)
      }
    }
  }

  /// ln x for x > 0: 2 artanh((m − 1) / (m + 1)) + e ln 2 with x = m 2^e, m near 1.
  private static func logarithm(_ x: Double) -> Double {
    var (mantissa, exponent) = (x.significand, Double(x.exponent))
    if mantissa > 1.5 {
      mantissa /= 2
      exponent += 1
    }
    let z = (mantissa - 1) / (mantissa + 1)
    let sum = stride(from: 41, through: 1, by: -2).reduce(0.0) { $0 * z * z + 1 / Double($1) }
    return 2 * z * sum + exponent * 0x1.62e42fefa39efp-1
  }

  /// e^x.
  private static func power(_ x: Double) -> Double {
    let twos = (x / 0x1.62e42fefa39efp-1).rounded()
    let rest = (x - twos * 0x1.62e42feep-1) - twos * 0x1.a39ef35793c76p-33
    let sum = stride(from: 20, through: 1, by: -1).reduce(1.0) { 1 + $0 * rest / Double($1) }
    return sum * Double(sign: .plus, exponent: Int(twos), significand: 1)
  }

  /// sin x and cos x for 0 ≤ x < 2²⁰ π: of what is left of multiples of π/2, which are taken away in parts.
  private static func sineAndCosine(_ x: Double) -> (Double, Double) {
    let quarters = (x / (Double.pi / 2)).rounded()
    let rest =
      ((x - quarters * 0x1.921fb544p0) - quarters * 0x1.0b4611a6p-34)
      - quarters * 0x1.3198a2e037073p-69
    let square = rest * rest
    let sine =
      rest
      * stride(from: 20, through: 2, by: -2).reduce(1.0) {
        1 - $0 * square / Double($1 * ($1 + 1))
      }
    let cosine = stride(from: 20, through: 2, by: -2).reduce(1.0) {
      1 - $0 * square / Double($1 * ($1 - 1))
    }
    return switch Int(quarters) % 4 {
    case 0: (sine, cosine)
    case 1: (cosine, -sine)
    case 2: (-sine, -cosine)
    default: (-cosine, sine)
    }
  }
}
