import LockstepEngine

/// What a training has told about single examples: ε of (ε, δ)-differential privacy after a number of steps.
///
/// Rényi divergences of many orders are added up and turned into ε by the order that gives the smallest one:
///
///     ε = n D(α) + ln((α − 1) / α) − (ln δ + ln α) / (α − 1)
///
/// Neighbouring data sets differ in one example that is there or not.
///
/// Source: I. Mironov, K. Talwar, L. Zhang, arXiv 1908.10530, 2019; the conversion is that of B. Balle et al.,
/// "Hypothesis testing interpretations and Rényi differential privacy", AISTATS 2020, theorem 21. Orders are
/// those of Opacus and TensorFlow Privacy, so that results can be compared.
package struct PrivacyAccountant: Sendable, Equatable {
  /// What is done in each step.
  package let mechanism: SampledGaussian
  /// The probability with which ε may not hold.
  package let delta: Double
  /// The divergence of a step by its order, where that is a number.
  private let divergences: [(order: Double, divergence: Double)]

  package init(_ mechanism: SampledGaussian, delta: Double) {
    self.mechanism = mechanism
    self.delta = delta
    divergences = Self.orders.map { ($0, mechanism.divergence(order: $0)) }
      .filter { !$0.1.isNaN }
  }

  /// The orders α.
  package static let orders: [Double] =
    (1..<100).map { 1 + Double($0) / 10 } + (12..<64).map { Double($0) }

  /// ε behind so many steps.
  package func epsilon(steps: Int) -> Double {
    guard steps > 0 else { return 0 }
    let logDelta = ExactMath.logarithm(delta)
    var smallest = Double.infinity
    for (order, divergence) in divergences {
      let epsilon =
        divergence * Double(steps)
        - (logDelta + ExactMath.logarithm(order)) / (order - 1)
        + ExactMath.logarithm((order - 1) / order)
      smallest = min(smallest, epsilon)
    }
    return max(smallest, 0)
  }

  package static func == (left: Self, right: Self) -> Bool {
    left.mechanism == right.mechanism && left.delta == right.delta
  }
}
