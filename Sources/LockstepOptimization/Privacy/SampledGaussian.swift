import LockstepEngine

/// The Gaussian mechanism on a random part of the data: each example is in a batch with probability q, by
/// itself, the batch's clipped gradients are added up, and noise of deviation σ times the clip's norm is added.
///
/// Its privacy is told by Rényi divergences D of orders α > 1 between what comes out with an example and without
/// it; n steps have n times those of one.
///
/// Source: I. Mironov, K. Talwar, L. Zhang, "Rényi differential privacy of the sampled Gaussian mechanism",
/// arXiv 1908.10530, 2019, section 3.3.
package struct SampledGaussian: Sendable, Equatable {
  /// The deviation of the noise over the norm that an example's gradient has at most.
  package let noise: Double
  /// The probability q with which an example is in a batch.
  package let samplingRate: Double

  /// A mechanism; `noise` is not negative, and `samplingRate` in 0...1.
  package init(noise: Double, samplingRate: Double) {
    self.noise = noise
    self.samplingRate = samplingRate
  }

  /// The divergence of an order above 1 of one step.
  package func divergence(order alpha: Double) -> Double {
    if samplingRate == 0 { return 0 }
    if noise == 0 { return .infinity }
    if samplingRate == 1 { return alpha / (2 * noise * noise) }
    let logarithm =
      alpha == alpha.rounded() ? momentOfWhole(Int(alpha)) : momentOfFraction(alpha)
    return logarithm / (alpha - 1)
  }

  private var logRate: Double { ExactMath.logarithm(samplingRate) }
  private var logRest: Double { ExactMath.logarithm(1 - samplingRate) }

  /// ln Σᵢ C(α, i) (1 − q)^(α − i) q^i e^((i² − i) / 2σ²), i from 0 to α.
  private func momentOfWhole(_ alpha: Int) -> Double {
    let scale = 1 / (2 * noise * noise)
    var sum = LogarithmicSum()
    var binomial = 0.0
    for i in 0...alpha {
      if i > 0 { binomial += ExactMath.logarithm(Double(alpha - i + 1) / Double(i)) }
      sum.add(
        binomial + Double(i) * logRate + Double(alpha - i) * logRest
          + Double(i * i - i) * scale)
    }
    return sum.value
  }

  /// The same for an α between whole numbers: two series, cut where the densities of the two cases cross.
  private func momentOfFraction(_ alpha: Double) -> Double {
    let scale = 1 / (2 * noise * noise)
    let crossing = noise * noise * ExactMath.logarithm(1 / samplingRate - 1) + 0.5
    let width = noise * 2.0.squareRoot()
    var (below, above) = (LogarithmicSum(), LogarithmicSum())
    // C(α, i), by its sign and its magnitude's logarithm.
    var (binomial, isNegative) = (0.0, false)
    for i in 0..<Self.mostTerms {
      if i > 0 {
        let factor = (alpha - Double(i) + 1) / Double(i)
        binomial += ExactMath.logarithm(factor.magnitude)
        if factor < 0 { isNegative.toggle() }
      }
      let (first, second) = (Double(i), alpha - Double(i))
      let terms = (
        binomial + first * logRate + second * logRest + (first * first - first) * scale
          + logHalf + Self.logErfc((first - crossing) / width),
        binomial + second * logRate + first * logRest + (second * second - second) * scale
          + logHalf + Self.logErfc((crossing - second) / width)
      )
      below.add(terms.0, isNegative: isNegative)
      above.add(terms.1, isNegative: isNegative)
      // Behind α the magnitudes fall, and signs alternate.
      if first > alpha, max(terms.0, terms.1) < -30 { break }
    }
    var all = below
    all.add(above.value)
    return all.value
  }

  /// More terms than any order here needs.
  private static let mostTerms = 100_000
  private var logHalf: Double { -0.693_147_180_559_945_31 }

  /// ln erfc(x), erfc(x) = 2/√π ∫ₓ^∞ e^(−t²) dt, to about 10⁻¹³ of 1 or of itself.
  ///
  /// Below 2 by the series of erf, above by the continued fraction of erfc.
  package static func logErfc(_ x: Double) -> Double {
    if x < 0 {
      let other = logErfc(-x)
      return ExactMath.logarithm(2 - ExactMath.exponential(other))
    }
    if x < 2 {
      // erf(x) = 2/√π e^(−x²) Σ 2ⁿ x^(2n+1) / (2n+1)!!, whose terms are all positive.
      var (term, sum) = (x, x)
      var n = 1.0
      while term > 1e-18 * sum {
        term *= 2 * x * x / (2 * n + 1)
        sum += term
        n += 1
      }
      return ExactMath.logarithm(
        1 - 1.128_379_167_095_512_6 * ExactMath.exponential(-x * x) * sum)
    }
    // erfc(x) = e^(−x²)/√π · 1 / (x + ½ / (x + 1 / (x + 3⁄2 / (x + …)))).
    var rest = x
    for n in stride(from: 120, through: 1, by: -1) { rest = x + Double(n) / 2 / rest }
    return -x * x - 0.572_364_942_924_700_09 - ExactMath.logarithm(rest)
  }
}

/// A sum of numbers that are given by their logarithms, as a logarithm.
private struct LogarithmicSum {
  private(set) var value = -Double.infinity

  /// Adds e^term, or takes it away.
  mutating func add(_ term: Double, isNegative: Bool = false) {
    guard term > -.infinity else { return }
    if value == -.infinity {
      value = isNegative ? .nan : term
      return
    }
    let (large, small) = (max(value, term), min(value, term))
    let share = ExactMath.exponential(small - large)
    guard isNegative else {
      value = large + ExactMath.logarithm(1 + share)
      return
    }
    // What is taken away is below what is there, but for rounding.
    value = term < value ? large + ExactMath.logarithm(1 - share) : -.infinity
  }
}
