import Foundation
import LockstepEngine
import Testing

/// The functions are those of the system to within 4 units in the last place.
@Suite struct ExactMathTests {
  private func units(_ value: Double, _ expected: Double) -> Double {
    value == expected ? 0 : abs(value - expected) / expected.ulp
  }

  @Test func exponentials() {
    for index in -2_000...2_000 {
      let x = Double(index) * 0.0137
      #expect(units(ExactMath.exponential(x), exp(x)) <= 4, "\(x)")
    }
    #expect(ExactMath.exponential(0) == 1)
    #expect(ExactMath.exponential(800) == .infinity && ExactMath.exponential(-800) == 0)
  }

  @Test func logarithms() {
    for index in 1...2_000 {
      for x in [Double(index) * 0.0137, pow(1.3, Double(index % 200) - 100)] {
        #expect(units(ExactMath.logarithm(x), log(x)) <= 4, "\(x)")
      }
    }
    #expect(ExactMath.logarithm(1) == 0)
  }

  @Test func cosines() {
    for index in -400...400 {
      let x = Double(index) / 100
      #expect(abs(ExactMath.cosine(halfTurns: x) - cos(.pi * x)) < 2e-15, "\(x)")
    }
    // Where schedules begin, cross the middle and end.
    #expect(ExactMath.cosine(halfTurns: 0) == 1 && ExactMath.cosine(halfTurns: 1) == -1)
    #expect(ExactMath.cosine(halfTurns: 0.5) == 0)
  }

  @Test func powers() {
    for base in [0.9, 0.999, 1.5] {
      for exponent in [0.25, 0.75, 2.5, -1.5] {
        #expect(units(ExactMath.power(base, exponent), pow(base, exponent)) <= 8, "\(base)")
      }
      // Whole exponents are repeated products, whichever way they are given.
      #expect(ExactMath.power(base, 5) == ExactMath.power(base, 5.0))
    }
    #expect(ExactMath.power(0.5, 10) == 0x1p-10 && ExactMath.power(0, 0.3) == 0)
    #expect(ExactMath.power(2, 0.5) == 2.0.squareRoot())
  }
}
