/// Elementary functions in plain IEEE arithmetic.
///
/// The system's library picks other code on other processors, whose last bits differ. Scalars that
/// every rank computes for itself (learning rates, bias corrections, roots of norms) come from
/// here instead and have the same bits on every machine, to within 4 units in the last place of
/// the true value for results and exponents of ordinary size.
public enum ExactMath {
  /// base ^ exponent for a whole exponent of at least 0, by squaring.
  public static func power(_ base: Double, _ exponent: Int) -> Double {
    var result = 1.0
    var square = base
    var rest = exponent
    while rest > 0 {
      if rest & 1 == 1 { result *= square }
      square *= square
      rest >>= 1
    }
    return result
  }

  /// base ^ exponent for a base of at least 0.
  public static func power(_ base: Double, _ exponent: Double) -> Double {
    if exponent >= 0, exponent < 1e9, exponent == exponent.rounded() {
      return power(base, Int(exponent))
    }
    if base <= 0 { return exponent == 0 ? 1 : 0 }
    if base == .infinity { return .infinity }
    if exponent == 0.5 { return base.squareRoot() }
    return exponential(exponent * logarithm(base))
  }

  /// e ^ x.
  public static func exponential(_ x: Double) -> Double {
    if x > 709.7 { return .infinity }
    if x < -708 { return 0 }
    let turns = (x * 1.4426950408889634).rounded()
    // ln 2 in two parts, so that the first product is exact.
    let rest = x - turns * 0x1.62e42feep-1 - turns * 0x1.a39ef35793c76p-33
    var sum = 0.0
    for k in stride(from: 14, through: 1, by: -1) { sum = (1 + sum) * rest / Double(k) }
    return scalbn(1 + sum, Int(turns))
  }

  /// The natural logarithm of a positive, finite x.
  public static func logarithm(_ x: Double) -> Double {
    var mantissa = x.significand
    var exponent = Double(x.exponent)
    if mantissa > 1.4142135623730951 {
      mantissa /= 2
      exponent += 1
    }
    let s = (mantissa - 1) / (mantissa + 1)
    var sum = 0.0
    for k in stride(from: 25, through: 3, by: -2) { sum = (sum + 1 / Double(k)) * s * s }
    return exponent * 0x1.62e42feep-1 + (exponent * 0x1.a39ef35793c76p-33 + 2 * s * (1 + sum))
  }

  /// cos(π x).
  public static func cosine(halfTurns x: Double) -> Double {
    var t = (x.magnitude).truncatingRemainder(dividingBy: 2)
    if t > 1 { t = 2 - t }
    let sign = t > 0.5 ? -1.0 : 1.0
    if t > 0.5 { t = 1 - t }
    // cos below a quarter, sin(π/2 - ·) above, where the series are short.
    if t <= 0.25 {
      let square = (Double.pi * t) * (Double.pi * t)
      var sum = 0.0
      for k in stride(from: 20, through: 2, by: -2) {
        sum = -(1 + sum) * square / Double(k * (k - 1))
      }
      return sign * (1 + sum)
    }
    let angle = Double.pi * (0.5 - t)
    let square = angle * angle
    var sum = 0.0
    for k in stride(from: 21, through: 3, by: -2) {
      sum = -(1 + sum) * square / Double(k * (k - 1))
    }
    return sign * angle * (1 + sum)
  }

  /// x 2^exponent.
  private static func scalbn(_ x: Double, _ exponent: Int) -> Double {
    Double(sign: .plus, exponent: exponent, significand: x)
  }
}
