import LockstepEngine

/// How the examples of a training are mixed with each other.
///
/// Each example is mixed with one that is drawn from the whole training part. Which one, and how, follows
/// from seed, epoch and example alone: neither ranks nor batches enter it.
package struct ExampleMixing: Sendable, Equatable {
  /// The ways; each example takes one of them, each with the same probability.
  package let ways: [ImageMix]
  /// The number of examples.
  let count: Int

  package init(_ ways: [ImageMix], count: Int) {
    self.ways = ways
    self.count = count
  }

  /// What happens to one example in one epoch.
  package struct Draw: Sendable, Equatable {
    /// The other example.
    package let partner: Int
    /// The share of the example's own label, in 0...1.
    package let share: Float
    /// What is taken from the other image; nil where all of it is added.
    let part: ImagePart?
  }

  /// Draws what happens to an example.
  ///
  /// - Parameter shape: that of the images.
  package func draw(_ example: Int, epoch: Int, seed: UInt64, shape: [Int]) -> Draw {
    var random = CounterGenerator(
      seed: seed, .mixing, index: UInt32(truncatingIfNeeded: epoch),
      position: UInt64(UInt32(truncatingIfNeeded: example)) << 32)
    let partner = random.index(below: count)
    let way = ways[ways.count == 1 ? 0 : random.index(below: ways.count)]
    switch way {
    case .mixup(let alpha):
      return Draw(partner: partner, share: Float(random.nextBeta(alpha)), part: nil)
    case .cutMix(let alpha):
      let cut = (1 - random.nextBeta(alpha)).squareRoot()
      let (height, width) = (shape[1], shape[2])
      let part = random.square(
        height: Int(Double(height) * cut), width: Int(Double(width) * cut), inHeight: height,
        width: width)
      let share = 1 - Double(part.height * part.width) / Double(height * width)
      return Draw(partner: partner, share: Float(share), part: part)
    }
  }

  /// Mixes an image with another one.
  package func mix(
    _ values: UnsafeMutableBufferPointer<Float>, with other: UnsafePointer<Float>, _ draw: Draw,
    shape: [Int]
  ) {
    guard let part = draw.part else {
      let (share, rest) = (draw.share, 1 - draw.share)
      for place in values.indices { values[place] = share * values[place] + rest * other[place] }
      return
    }
    let plane = shape[1] * shape[2]
    for channel in 0..<shape[0] {
      for row in part.rows(shape[2]) {
        for place in row { values[channel * plane + place] = other[channel * plane + place] }
      }
    }
  }
}

extension CounterGenerator {
  /// A number of the distribution Beta(α, α), for α up to about 4.
  ///
  /// Source: M. Jöhnk, Metrika 8, 1964: u^(1/α) and v^(1/α), drawn again until their sum is at most 1.
  mutating func nextBeta(_ alpha: Double) -> Double {
    while true {
      // Never 0, whose logarithm is none.
      let u = ExactMath.logarithm(1 - nextUniform()) / alpha
      let v = ExactMath.logarithm(1 - nextUniform()) / alpha
      guard ExactMath.exponential(u) + ExactMath.exponential(v) <= 1 else { continue }
      // By logarithms: for a small α both powers may be too small for a number.
      return 1 / (1 + ExactMath.exponential(v - u))
    }
  }
}
