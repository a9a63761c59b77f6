import LockstepEngine
import LockstepLayers
import Testing

private func draw(_ initializer: any Initializer, _ shape: [Int], seed: UInt64 = 1) -> [Double] {
  var values = [Float](repeating: .nan, count: shape.reduce(1, *))
  var random = CounterGenerator(seed: seed, .initialization)
  var span = values.mutableSpan
  initializer.fill(&span, shape: shape, using: &random)
  return values.map(Double.init)
}

private func moments(_ values: [Double]) -> (mean: Double, variance: Double, kurtosis: Double) {
  let count = Double(values.count)
  let mean = values.reduce(0, +) / count
  let variance = values.reduce(0) { $0 + ($1 - mean) * ($1 - mean) } / count
  let fourth = values.reduce(0) { $0 + ($1 - mean) * ($1 - mean) * ($1 - mean) * ($1 - mean) }
  return (mean, variance, fourth / count / (variance * variance))
}

@Suite struct InitializerTests {
  static let all: [any Initializer] = [
    VarianceScaling.glorot(), VarianceScaling.glorot(.normal, gain: 2), VarianceScaling.he(),
    VarianceScaling.he(.uniform, slope: 0.5, mode: .fanOut), VarianceScaling.leCun(),
    VarianceScaling.leCun(.truncatedNormal), VarianceScaling.pyTorchDefault,
    OrthogonalInitializer(gain: 1.5), TruncatedNormalInitializer(), NormalInitializer(mean: 1),
    UniformInitializer(-1, 2), ConstantInitializer(0.5),
  ]

  @Test("the same generator gives the same values, another one others", arguments: all.indices)
  func deterministic(_ index: Int) {
    let initializer = Self.all[index]
    #expect(draw(initializer, [8, 3, 3, 3]) == draw(initializer, [8, 3, 3, 3]))
    #expect(
      (draw(initializer, [8, 27]) == draw(initializer, [8, 27], seed: 2))
        == (initializer is ConstantInitializer))
  }

  @Test("fans are PyTorch's")
  func fans() {
    #expect(Fan([10, 7]).inputs == 7)
    #expect(Fan([10, 7]).outputs == 10)
    // [out, in / groups, kH, kW]
    #expect(Fan([16, 3, 5, 2]).inputs == 30)
    #expect(Fan([16, 3, 5, 2]).outputs == 160)
  }

  @Test("variance scaling has the variance it promises, and its distribution's shape")
  func varianceScaling() {
    let shape = [100, 20, 5, 5]  // inputs 500, outputs 2500, 50,000 values
    let expectations: [(VarianceScaling, variance: Double)] = [
      (.glorot(.uniform), 2.0 / 3000), (.glorot(.normal), 2.0 / 3000),
      (.glorot(.uniform, gain: 2), 8.0 / 3000), (.he(.uniform), 2.0 / 500),
      (.he(.normal, mode: .fanOut), 2.0 / 2500), (.he(.normal, slope: 0.5), 1.6 / 500),
      (.leCun(.uniform), 1.0 / 500), (.leCun(.normal), 1.0 / 500),
      (.leCun(.truncatedNormal), 1.0 / 500), (.pyTorchDefault, 1.0 / 1500),
    ]
    for (initializer, variance) in expectations {
      let values = draw(initializer, shape)
      let measured = moments(values)
      let top = values.reduce(0) { max($0, abs($1)) } / variance.squareRoot()
      // Five standard errors.
      #expect(abs(measured.mean) < 5 * (variance / 50_000).squareRoot())
      #expect(abs(measured.variance / variance - 1) < 5 * (2.0 / 50_000).squareRoot())
      switch initializer.distribution {
      case .uniform:
        #expect(top <= 3.0.squareRoot() * 1.000_001 && top > 1.73)
        #expect(abs(measured.kurtosis - 1.8) < 0.02)
      case .normal:
        #expect(top > 3.5)
        #expect(abs(measured.kurtosis - 3) < 0.15)
      case .truncatedNormal:
        #expect(top <= 2 / 0.879_625 && top > 2.2)
      }
    }
  }

  @Test("PyTorch's default is uniform from ±1/√inputs")
  func pyTorchDefault() {
    let bound = 1 / 27.0.squareRoot()
    let values = draw(VarianceScaling.pyTorchDefault, [300, 3, 3, 3])
    #expect(values.allSatisfy { abs($0) <= bound * 1.000_001 })
    #expect(values.max()! > 0.99 * bound)
    #expect(values.min()! < -0.99 * bound)
  }

  @Test("normal, uniform and constant values are what they say")
  func elementwise() {
    let normal = moments(draw(NormalInitializer(mean: 3, standardDeviation: 2), [200, 200]))
    #expect(abs(normal.mean - 3) < 0.05)
    #expect(abs(normal.variance - 4) < 0.15)
    let uniform = draw(UniformInitializer(-1, 3), [200, 200])
    #expect(uniform.allSatisfy { $0 >= -1 && $0 <= 3 })
    #expect(abs(moments(uniform).mean - 1) < 0.03)
    #expect(abs(moments(uniform).variance - 16.0 / 12) < 0.03)
    #expect(draw(ConstantInitializer(0.25), [3]) == [0.25, 0.25, 0.25])
  }

  @Test("a truncated normal stays in its bounds and has the moments of theory")
  func truncatedNormal() {
    // (bounds in standard deviations, mean and variance of the cut distribution)
    let expectations: [(lower: Float, upper: Float, mean: Double, variance: Double)] = [
      (-2, 2, 0, 0.773_741),  // 1 − 4 φ(2) / (2 Φ(2) − 1)
      (0, 3, 0.791_156, 0.347_408),
      (2, 2.5, 2.204_452, 0.019_434),
      (4, 100, 4.225_607, 0.046_673),
      (-100, -4, -4.225_607, 0.046_673),
    ]
    for (lower, upper, mean, variance) in expectations {
      let values = draw(TruncatedNormalInitializer(lower: lower, upper: upper), [200, 200])
      #expect(values.allSatisfy { $0 >= Double(lower) && $0 <= Double(upper) })
      let measured = moments(values)
      #expect(abs(measured.mean - mean) < 5 * (variance / 40_000).squareRoot(), "\(lower)")
      #expect(abs(measured.variance / variance - 1) < 0.08, "\(lower): \(measured.variance)")
    }
    let moved = draw(
      TruncatedNormalInitializer(mean: 1, standardDeviation: 0.5, lower: 0, upper: 1.5), [100, 100])
    #expect(moved.allSatisfy { $0 >= 0 && $0 <= 1.5 })
    #expect(moved.max()! > 1.49)
  }

  @Test(
    "orthogonal units, or columns where there are more units than values a unit",
    arguments: [[5, 12], [12, 5], [8, 8], [6, 3, 3, 3], [40, 2, 2, 3], [1, 7]])
  func orthogonal(_ shape: [Int]) {
    let gain = 1.5
    let values = draw(OrthogonalInitializer(gain: Float(gain)), shape)
    let rows = shape[0]
    let columns = values.count / rows
    let wide = rows <= columns
    func vector(_ index: Int) -> [Double] {
      wide
        ? (0..<columns).map { values[index * columns + $0] }
        : (0..<rows).map { values[$0 * columns + index] }
    }
    for i in 0..<min(rows, columns) {
      for j in 0...i {
        let product = zip(vector(i), vector(j)).reduce(0) { $0 + $1.0 * $1.1 }
        #expect(abs(product - (i == j ? gain * gain : 0)) < 1e-6)
      }
    }
  }

  @Test("an orthogonal matrix is not the same one every time, nor the identity")
  func orthogonalIsRandom() {
    // The mean of an element over uniformly distributed orthogonal matrices is zero.
    let corners = (0..<400).map { draw(OrthogonalInitializer(), [3, 3], seed: $0)[0] }
    #expect(abs(moments(corners).mean) < 5 * (1.0 / 3 / 400).squareRoot())
    #expect(abs(moments(corners).variance - 1.0 / 3) < 0.08)
  }
}
