import CLockstepKernels
import LockstepEngine
import Testing

/// The kernels of random noise.
@Suite struct NoiseKernelTests {
  private static func noise(
    _ count: Int, first: UInt64 = 0, step: UInt32 = 3, seed: UInt64 = 7,
    deviation: Float = 1, set: InstructionSet = .detected
  ) -> [Float] {
    var values = [Float](repeating: 0, count: count)
    var stream = lockstep_stream(
      key_low: UInt32(truncatingIfNeeded: seed), key_high: UInt32(truncatingIfNeeded: seed >> 32),
      index: step, purpose: RandomPurpose.gradientNoise.rawValue)
    lockstep_noise_kernels_for(lockstep_isa(rawValue: set.rawValue)).pointee
      .add_normal(&values, count, deviation, first, &stream)
    return values
  }

  @Test func allInstructionSetsAndCutsGiveTheSameBits() {
    let whole = Self.noise(1000)
    for set in InstructionSet.allCases where set <= .detected {
      #expect(Self.noise(1000, set: set) == whole)
    }
    // Wherever a part begins, and however long it is.
    for (first, count) in [(0, 1), (16, 3), (64, 64), (48, 65), (992, 4), (128, 872)] {
      #expect(Self.noise(count, first: UInt64(first)) == Array(whole[first..<first + count]))
    }
  }

  /// Words of the stream are those of the generator in Swift, and the formula is that of Box and Muller.
  @Test(arguments: [0, 3, 1 << 30])
  func valuesAreThoseOfTheStream(group: UInt64) {
    let values = Self.noise(64, first: 64 * group, step: 11, seed: 0x1_0000_0005)
    for lane in 0..<16 {
      var generator = CounterGenerator(
        seed: 0x1_0000_0005, .gradientNoise, index: 11, position: 16 * group + UInt64(lane))
      for pair in 0..<2 {
        let (u, v) = (generator.nextWord(), generator.nextWord())
        let radius = (-2 * naturalLogarithm((Double(u) + 0.5) * 0x1p-32)).squareRoot()
        let cosine = ExactMath.cosine(halfTurns: Double(v) * 0x1p-31)
        let sine = ExactMath.cosine(halfTurns: Double(v) * 0x1p-31 - 0.5)
        #expect(abs(Double(values[32 * pair + lane]) - radius * cosine) <= 2e-6)
        #expect(abs(Double(values[32 * pair + 16 + lane]) - radius * sine) <= 2e-6)
      }
    }
  }

  @Test func momentsAreThoseOfTheNormalDistribution() {
    let values = Self.noise(1 << 20).map { Double($0) }
    let count = Double(values.count)
    let mean = values.reduce(0, +) / count
    let square = values.reduce(0) { $0 + $1 * $1 } / count
    let cube = values.reduce(0) { $0 + $1 * $1 * $1 } / count
    let fourth = values.reduce(0) { $0 + $1 * $1 * $1 * $1 } / count
    // Five deviations of each mean.
    #expect(abs(mean) < 5 / count.squareRoot())
    #expect(abs(square - 1) < 5 * (2 / count).squareRoot())
    #expect(abs(cube) < 5 * (15 / count).squareRoot())
    #expect(abs(fourth - 3) < 5 * (96 / count).squareRoot())
    // The share beyond two deviations, and neighbours that know nothing of each other.
    let beyond = Double(values.count { abs($0) > 2 }) / count
    #expect(abs(beyond - 0.04550026) < 5 * (0.0455 / count).squareRoot())
    for distance in [1, 16, 32, 48, 64] {
      let product = zip(values, values.dropFirst(distance)).reduce(0) { $0 + $1.0 * $1.1 } / count
      #expect(abs(product) < 5 / count.squareRoot(), "\(distance)")
    }
  }

  @Test func noiseIsAddedWithItsDeviationAndDiffersByStepAndSeed() {
    let one = Self.noise(100)
    #expect(Self.noise(100, deviation: 0.5) == one.map { $0 * 0.5 })
    #expect(Self.noise(100, step: 4) != one && Self.noise(100, seed: 8) != one)
  }
}
