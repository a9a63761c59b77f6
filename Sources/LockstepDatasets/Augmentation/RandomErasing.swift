import LockstepCatalog
import LockstepEngine

/// Puts 0, the mean where inputs are standardised, in the place of a rectangle: torchvision's
/// `RandomErasing`.
package struct RandomErasing: InputTransform, Equatable {
  /// The probability that a part is erased, in 0...1.
  package let probability: Double
  /// The least and the largest share of the area.
  package let scale: ClosedRange<Double>
  /// The least and the largest ratio of height to width.
  package let ratio: ClosedRange<Double>

  /// Makes a change that erases.
  package init(
    probability: Double = 0.5, scale: ClosedRange<Double> = 0.02...0.33,
    ratio: ClosedRange<Double> = 0.3...3.3
  ) {
    self.probability = probability
    self.scale = scale
    self.ratio = ratio
  }

  package var description: String { "random erasing" }

  package func problem(with inputShape: [Int]) -> String? {
    imageProblem(inputShape) ?? rangeProblem("the scale", scale, most: 1)
      ?? rangeProblem("the ratio", ratio, most: 1e6)
      ?? ((0...1).contains(probability) ? nil : "the probability \(probability) is not in 0...1")
  }

  package func apply(
    to values: inout MutableSpan<Float>, of input: ExampleInput, random: inout CounterGenerator
  ) throws {
    if let problem = problem(with: input.shape) { throw DatasetError(description, problem) }
    guard random.nextUniform() < probability else { return }
    // The ratio here is of height to width.
    let inverse = 1 / ratio.upperBound...1 / ratio.lowerBound
    let part = random.part(
      ofHeight: input.shape[1], width: input.shape[2], scale: scale, ratio: inverse,
      isWhole: false)
    guard let part else { return }
    values.withUnsafeMutableBufferPointer { input.erase($0, part) }
  }
}

/// Puts 0, the mean where inputs are standardised, in the place of a square whose middle lies anywhere in the
/// image, so that a part of the square may lie outside.
///
/// Source: T. DeVries, G. Taylor, "Improved regularization of convolutional neural networks with Cutout",
/// 2017.
package struct Cutout: InputTransform, Equatable {
  /// The square's side, in pixels.
  package let size: Int

  /// Makes a cutout.
  package init(size: Int) { self.size = size }

  package var description: String { "cutout of \(size) pixels" }

  package func problem(with inputShape: [Int]) -> String? {
    imageProblem(inputShape) ?? (size > 0 ? nil : "the size \(size) is not positive")
  }

  package func apply(
    to values: inout MutableSpan<Float>, of input: ExampleInput, random: inout CounterGenerator
  ) throws {
    if let problem = problem(with: input.shape) { throw DatasetError(description, problem) }
    let part = random.square(
      height: size, width: size, inHeight: input.shape[1], width: input.shape[2])
    values.withUnsafeMutableBufferPointer { input.erase($0, part) }
  }
}

extension CounterGenerator {
  /// What lies in an image of a rectangle whose middle lies anywhere in it.
  mutating func square(
    height: Int, width: Int, inHeight imageHeight: Int, width imageWidth: Int
  ) -> ImagePart {
    let top = index(below: imageHeight) - height / 2
    let left = index(below: imageWidth) - width / 2
    let rows = max(top, 0)..<max(min(top + height, imageHeight), max(top, 0))
    let columns = max(left, 0)..<max(min(left + width, imageWidth), max(left, 0))
    return ImagePart(
      top: rows.lowerBound, left: columns.lowerBound, height: rows.count, width: columns.count)
  }
}

extension ExampleInput {
  fileprivate func erase(_ values: UnsafeMutableBufferPointer<Float>, _ part: ImagePart) {
    let plane = shape[1] * shape[2]
    for channel in 0..<shape[0] {
      for row in part.rows(shape[2]) {
        for place in row { values[channel * plane + place] = 0 }
      }
    }
  }
}

extension RandomErasing {
  static let entry = Entry<ImageChange>(
    "erase", "puts 0 in the place of a rectangle of random size and shape, with a probability",
    [
      .with("probability", .fraction, 0.5, "the probability that a part is erased"),
      .with(
        "scale", .numbers(NumberRange(to: 1, above: 0)), [0.02, 0.33],
        "least and largest share of the area"),
      .with(
        "ratio", .numbers(NumberRange(to: 1e6, above: 0)), [0.3, 3.3],
        "least and largest ratio of height to width"),
    ]
  ) { values in
    .random(
      RandomErasing(
        probability: values["probability"], scale: try values.interval("scale"),
        ratio: try values.interval("ratio")))
  }
}

extension Cutout {
  static let entry = Entry<ImageChange>(
    "cutout", "puts 0 in the place of a square whose middle lies anywhere",
    [.required("size", .size, "the square's side, in pixels")]
  ) { values in .random(Cutout(size: values["size"])) }
}
