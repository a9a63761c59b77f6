import LockstepEngine

/// The recipe of MNIST-1D: series of 40 values that look like digits drawn in one stroke, ten classes.
///
/// A digit is a curve of 12 points. Each example pads it with zeros, stretches it, scales it, moves it around,
/// puts smooth noise where nothing is drawn and white noise everywhere, shears it, and takes 40 points. All values
/// together have the mean 0 and the deviation 1.
///
/// Linear models reach about 32 % on it, multilayer perceptrons 68 %, convolutional networks 94 %, GRUs 91 %, says
/// the paper. The numbers drawn here are others than those of the paper's program.
///
/// Source: S. Greydanus, D. Kobak, "Scaling down deep learning with MNIST-1D", ICML 2024 (arXiv 2011.14439, 2020); the
/// curves and the default values are those of its data set, github.com/greydanus/mnist1d, Apache-2.0.
package struct MNIST1D: Sendable {
  /// How many zeros are put behind a digit, drawn uniformly.
  package var padding = 36...60
  /// The range of the factor, 1 ± half of it.
  package var scale = 0.4
  /// A digit is moved around by 0 ..< this many places.
  package var translation = 48
  /// The deviation of the noise that is smoothed and put where nothing is drawn.
  package var correlatedNoise = 0.25
  /// The deviation of the noise that is put everywhere.
  package var noise = 0.02
  /// The range of the slope that is taken away, ± half of it over the whole series.
  package var shear = 0.75
  /// The number of values of a series.
  package var length = 40

  /// The recipe with the paper's values.
  package init() {}

  /// The most values of ``length`` and ``padding``.
  private static let limit = 1 << 20

  /// The curves of the digits, from above to below: x at 12 heights.
  private static let curves: [[Double]] = [
    [5, 6, 6.5, 6.75, 7, 7, 7, 7, 6.75, 6.5, 6, 5],
    [5, 3, 3, 3.4, 3.8, 4.2, 4.6, 5, 5.4, 5.8, 5, 5],
    [5, 6, 6.5, 6.5, 6, 5.25, 4.75, 4, 3.5, 3.5, 4, 5],
    [5, 6, 6.5, 6.5, 6, 5, 5, 6, 6.5, 6.5, 6, 5],
    [5, 4.4, 3.8, 3.2, 2.6, 2.6, 5, 5, 5, 5, 5, 5],
    [5, 3, 3, 3, 3, 5, 6, 6.5, 6.5, 6, 4.5, 5],
    [5, 4, 3.5, 3.25, 3, 3, 3, 3, 3.25, 3.5, 4, 5],
    [5, 7, 7, 6.6, 6.2, 5.8, 5.4, 5, 4.6, 4.2, 5, 5],
    [5, 4, 3.5, 3.5, 4, 5, 5, 4, 3.5, 3.5, 4, 5],
    [5, 4, 3.5, 3.5, 4, 5, 5, 5, 5, 4.7, 4.3, 5],
  ]

  /// The curves with the mean 0 and the deviation 1, moved so that they begin at 0, and divided by 6.
  package static let templates: [[Double]] = curves.map { curve in
    let (mean, deviation) = moments(curve)
    let first = (curve[0] - mean) / deviation
    return curve.map { (($0 - mean) / deviation - first) / 6 }
  }

  /// exp(−d² / 8) for d = 0...8: a Gaussian of deviation 2.
  private static let smoothing: [Double] = [
    1, 0.882_496_902_584_595_4, 0.606_530_659_712_633_4, 0.324_652_467_358_349_74,
    0.135_335_283_236_612_7, 0.043_936_933_623_407_42, 0.011_108_996_538_242_306,
    0.002_187_491_118_182_885_6, 0.000_335_462_627_902_511_85,
  ]

  /// All values of `count` series, one behind the other, with their classes: example i has class i mod 10.
  ///
  /// - Throws: ``DatasetError`` where the recipe or the count is out of range.
  package func series(count: Int, seed: UInt64) throws(DatasetError) -> [[Double]] {
    try check(count)
    var series = (0..<count).map { example in
      var random = CounterGenerator(seed: seed, .synthesis, index: UInt32(example))
      return one(Self.templates[example % 10], &random)
    }
    let (mean, deviation) = Self.moments(series.joined())
    guard deviation > 0 else { throw DatasetError("mnist-1d", "all values are the same") }
    for index in series.indices { series[index] = series[index].map { ($0 - mean) / deviation } }
    return series
  }

  private func check(_ count: Int) throws(DatasetError) {
    let numbers = [scale, correlatedNoise, noise, shear]
    guard (1...1 << 24).contains(count), (2...Self.limit).contains(length),
      padding.lowerBound >= 0, padding.upperBound <= Self.limit, translation > 0,
      numbers.allSatisfy({ $0.isFinite && $0 >= 0 })
    else {
      throw DatasetError(
        "mnist-1d",
        "expected 1...\(1 << 24) examples of 2...\(Self.limit) values, a padding within "
          + "0...\(Self.limit), a positive translation, and finite scale, noises and shear from 0; found "
          + "\(count) examples of \(length) values, \(self)")
    }
  }

  /// One series of a digit.
  private func one(_ template: [Double], _ random: inout CounterGenerator) -> [Double] {
    // What is drawn is nowhere exactly 0: padding is known by that.
    let drawn = template.map { $0 + 1e-8 }
    let zeros = padding.lowerBound + random.index(below: padding.count)
    var x = Self.resampled(
      drawn + Array(repeating: 0, count: zeros), template.count + padding.upperBound)
    let factor = 1 + scale * (random.nextUniform() - 0.5)
    let shift = random.index(below: translation) % x.count
    x = (x.suffix(shift) + x.dropLast(shift)).map { factor * $0 }
    let smooth = Self.smoothed(x.map { _ in correlatedNoise * random.nextNormal() })
    let slope = shear * (random.nextUniform() - 0.5)
    for place in x.indices {
      let height = Double(place) / Double(x.count - 1) - 0.5
      x[place] = (x[place] == 0 ? smooth[place] : x[place]) + noise * random.nextNormal()
      x[place] -= slope * height
    }
    return Self.resampled(x, length)
  }

  /// A series of another length, linear between its points.
  private static func resampled(_ x: [Double], _ count: Int) -> [Double] {
    (0..<count).map { place in
      let position = Double(place) * Double(x.count - 1) / Double(count - 1)
      let left = min(Int(position), x.count - 2)
      return x[left] + (position - Double(left)) * (x[left + 1] - x[left])
    }
  }

  /// The mean of a series around each place, weighted by a Gaussian of deviation 2; it is mirrored at its ends.
  private static func smoothed(_ x: [Double]) -> [Double] {
    let total = smoothing[0] + 2 * smoothing.dropFirst().reduce(0, +)
    return x.indices.map { place in
      var sum = 0.0
      for offset in -8...8 {
        var other = (place + offset) % (2 * x.count)
        if other < 0 { other += 2 * x.count }
        sum += smoothing[abs(offset)] * x[min(other, 2 * x.count - 1 - other)]
      }
      return sum / total
    }
  }

  private static func moments(
    _ values: some Collection<Double>
  ) -> (mean: Double, deviation: Double) {
    let count = Double(values.count)
    let mean = values.reduce(0, +) / count
    let square = values.reduce(0) { $0 + ($1 - mean) * ($1 - mean) } / count
    return (mean, square.squareRoot())
  }
}

extension SyntheticData {
  /// The series of ``MNIST1D``: ten classes, 4,000 to train on and 1,000 to test on by default.
  ///
  /// Inputs are [1, 40], a channel of 40 values, for convolutions; or [40, 1], 40 positions of one feature, for
  /// recurrent layers and attention. Classes are in turn, example i of either part has class i mod 10.
  ///
  /// - Parameters:
  ///   - training: the number of examples to train on.
  ///   - test: the number of examples to test on.
  ///   - recipe: how digits become series.
  ///   - channelsFirst: whether inputs are [1, 40], not [40, 1].
  ///   - seed: draws all that is random; the same bits on any machine.
  /// - Throws: ``DatasetError`` where a count is not positive, or the recipe is out of range.
  package static func mnist1D(
    training: Int = 4000, test: Int = 1000, recipe: MNIST1D,
    channelsFirst: Bool = true, seed: UInt64
  ) throws(DatasetError) -> (training: Dataset, test: Dataset) {
    guard (1...1 << 24).contains(training), (1...1 << 24).contains(test) else {
      throw DatasetError(
        "mnist-1d", "expected positive counts, found \(training) and \(test) examples")
    }
    // The test part begins with a whole round of classes.
    let start = (training + 9) / 10 * 10
    let all = try mnist1D(
      count: start + test, recipe: recipe, channelsFirst: channelsFirst, seed: seed)
    return (
      try all.subset(Array(0..<training)), try all.subset(Array(start..<start + test))
    )
  }

  /// The series of MNIST-1D by its authors' recipe: handwritten-like digits as series of 40 numbers, for
  /// convolutions, recurrent layers and attention. Classes are in turn.
  ///
  /// - Parameters:
  ///   - training: the number of examples to train on.
  ///   - test: the number of examples to test on.
  ///   - channelsFirst: whether inputs are [1, 40], not [40, 1].
  ///   - seed: draws all that is random; the same bits on any machine.
  /// - Throws: ``DatasetError`` where a count is not positive.
  public static func mnist1D(
    training: Int = 4000, test: Int = 1000, channelsFirst: Bool = true, seed: UInt64
  ) throws(DatasetError) -> (training: Dataset, test: Dataset) {
    try mnist1D(
      training: training, test: test, recipe: MNIST1D(), channelsFirst: channelsFirst, seed: seed)
  }

  /// The series of ``MNIST1D`` in one set: example i has class i mod 10.
  ///
  /// - Throws: ``DatasetError`` where the count is not positive, or the recipe is out of range.
  package static func mnist1D(
    count: Int, recipe: MNIST1D = MNIST1D(), channelsFirst: Bool = true, seed: UInt64
  ) throws(DatasetError) -> Dataset {
    try Dataset(
      name: "mnist-1d",
      inputShape: channelsFirst ? [1, recipe.length] : [recipe.length, 1],
      inputs: .floats(try recipe.series(count: count, seed: seed).joined().map { Float($0) }),
      labels: .classes((0..<count).map { Int32($0 % 10) }, count: 10))
  }
}
