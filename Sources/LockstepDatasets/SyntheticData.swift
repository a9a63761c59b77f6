import LockstepEngine

/// Made-up data with known answers, the same bits for the same seed.
public enum SyntheticData {
  /// Clouds of points around one random centre a class: coordinates of the centres are uniform in
  /// (−10, 10), points are normal around them. Example i has the class i mod `classes`.
  public static func blobs(
    count: Int, features: Int, classes: Int, deviation: Double = 1, seed: UInt64
  ) throws(DatasetError) -> Dataset {
    try check(count, features, classes, "blobs")
    var generator = CounterGenerator(seed: seed, .synthesis)
    let centres = (0..<(classes * features)).map { _ in 20 * generator.nextUniform() - 10 }
    var inputs: [Float] = []
    inputs.reserveCapacity(count * features)
    for example in 0..<count {
      for feature in 0..<features {
        let centre = centres[example % classes * features + feature]
        inputs.append(Float(centre + deviation * generator.nextNormal()))
      }
    }
    return try Dataset(
      name: "blobs", inputShape: [features], inputs: .floats(inputs),
      labels: .classes((0..<count).map { Int32($0 % classes) }, count: classes))
  }

  /// Points of a linear function: y = w · x + bias + noise, with x standard normal and normal noise.
  public static func linear(
    count: Int, weights: [Float], bias: Float = 0, noise: Double = 0, seed: UInt64
  ) throws(DatasetError) -> Dataset {
    try check(count, weights.count, 1, "linear")
    var generator = CounterGenerator(seed: seed, .synthesis)
    var inputs: [Float] = []
    var targets: [Float] = []
    for _ in 0..<count {
      var sum = Double(bias)
      for weight in weights {
        let value = Float(generator.nextNormal())
        inputs.append(value)
        sum += Double(weight) * Double(value)
      }
      targets.append(Float(sum + noise * generator.nextNormal()))
    }
    return try Dataset(
      name: "linear", inputShape: [weights.count], inputs: .floats(inputs),
      labels: .targets(targets, width: 1))
  }

  /// Images of random grey values, brighter where their class's own random pattern is: for
  /// benchmarks on any shape. Example i has the class i mod `classes`.
  public static func images(
    count: Int, shape: [Int], classes: Int, seed: UInt64
  ) throws(DatasetError) -> Dataset {
    var size = 1
    for extent in shape {
      let (product, overflow) = size.multipliedReportingOverflow(by: max(extent, 0))
      guard !overflow else {
        throw DatasetError("images", "an image of the shape \(shape) is too large")
      }
      size = product
    }
    try check(count, size, classes, "images")
    var generator = CounterGenerator(seed: seed, .synthesis)
    let patterns = (0..<(classes * size)).map { _ in UInt8(generator.index(below: 128)) }
    var inputs: [UInt8] = []
    inputs.reserveCapacity(count * size)
    for example in 0..<count {
      let start = example % classes * size
      for place in 0..<size {
        inputs.append(patterns[start + place] + UInt8(generator.nextWord() >> 25))
      }
    }
    return try Dataset(
      name: "images", inputShape: shape, inputs: .bytes(inputs, .unit),
      labels: .classes((0..<count).map { Int32($0 % classes) }, count: classes))
  }

  private static func check(
    _ count: Int, _ size: Int, _ classes: Int, _ name: String
  ) throws(DatasetError) {
    guard count > 0, size > 0, classes > 0 else {
      throw DatasetError(
        name,
        "expected positive counts, found \(count) examples of \(size) values in \(classes) "
          + "classes")
    }
    guard count < 1 << 32, size < 1 << 28, classes < 1 << 32,
      max(count, classes) <= valueLimit / size
    else {
      throw DatasetError(
        name,
        "\(count) examples of \(size) values in \(classes) classes are too many: at most "
          + "\(valueLimit) values are made")
    }
  }

  /// The most values that are made.
  private static let valueLimit = 1 << 34
}
