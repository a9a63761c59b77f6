import Foundation
import LockstepOptimization
import Testing

/// What scripts/reference/privacy.py writes: values of Opacus.
private struct Values: Decodable {
  /// Sampling rate, noise, steps, δ, ε.
  let epsilons: [[Double]]
  /// Sampling rate, noise, order, divergence.
  let divergences: [[Double]]

  static func load() throws -> Values {
    let file = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
      .deletingLastPathComponent().appendingPathComponent("Reference/privacy.json")
    return try JSONDecoder().decode(Values.self, from: Data(contentsOf: file))
  }
}

@Suite struct PrivacyAccountantTests {
  /// Asked for are 1e-3; what is left are the last digits of elementary functions.
  @Test func epsilonsAreThoseOfOpacus() throws {
    let cases = try Values.load().epsilons
    #expect(cases.count > 400)
    // Divergences take the time, and do not depend on the number of steps.
    var known: [[Double]: PrivacyAccountant] = [:]
    for values in cases {
      let key = [values[0], values[1], values[3]]
      let accountant =
        known[key]
        ?? PrivacyAccountant(
          SampledGaussian(noise: values[1], samplingRate: values[0]), delta: values[3])
      known[key] = accountant
      let epsilon = accountant.epsilon(steps: Int(values[2]))
      #expect(abs(epsilon - values[4]) <= 1e-9 * max(values[4], 1), "\(values), got \(epsilon)")
    }
  }

  @Test func divergencesAreThoseOfOpacus() throws {
    for values in try Values.load().divergences {
      let mechanism = SampledGaussian(noise: values[1], samplingRate: values[0])
      let found = mechanism.divergence(order: values[2])
      #expect(abs(found - values[3]) <= 1e-9 * max(abs(values[3]), 1e-3), "\(values), got \(found)")
    }
  }

  /// Known values of ln erfc, on both sides of where its formula changes.
  @Test(arguments: [
    (0.0, 0.0), (0.5, -0.7350096834519853), (-1, 0.6112322318154857), (1.9999, -5.3645388),
    (2.0001, -5.3655687), (3, -10.720248), (10, -102.87988902484488), (30, -903.9741),
  ])
  func logarithmsOfTheErrorFunction(x: Double, expected: Double) {
    #expect(abs(SampledGaussian.logErfc(x) - expected) <= 1e-4 * max(abs(expected), 1))
    // The derivative −2/√π e^(−x²) / erfc(x), from neighbours.
    let (h, value) = (1e-4, SampledGaussian.logErfc(x))
    let slope = (SampledGaussian.logErfc(x + h) - SampledGaussian.logErfc(x - h)) / (2 * h)
    let exact = -1.1283791670955126 * exp(-x * x - value)
    #expect(abs(slope - exact) <= 1e-6 * abs(exact) + 1e-9)
  }

  /// More steps, more examples in a batch and less noise tell more; a larger δ tells less.
  @Test func epsilonGrowsWithWhatIsTold() {
    func epsilon(
      _ noise: Double = 1, _ rate: Double = 0.01, _ delta: Double = 1e-5, _ steps: Int = 1000
    )
      -> Double
    {
      PrivacyAccountant(SampledGaussian(noise: noise, samplingRate: rate), delta: delta)
        .epsilon(steps: steps)
    }
    #expect(epsilon() < epsilon(0.8) && epsilon() < epsilon(1, 0.02))
    #expect(epsilon() < epsilon(1, 0.01, 1e-6) && epsilon() < epsilon(1, 0.01, 1e-5, 2000))
    #expect(epsilon(1, 0.01, 1e-5, 0) == 0)
    #expect(epsilon(1, 1) > epsilon(1, 0.99) * 0.99)
    #expect(!epsilon(0, 0.01).isFinite)
  }
}
