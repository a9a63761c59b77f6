import LockstepCatalog
import LockstepEngine

/// Cuts a part of random area and shape out of an image and scales it to the image's size: torchvision's
/// `RandomResizedCrop`.
///
/// The part has a share of the area that is drawn from `scale`, and a ratio of width to height that is
/// drawn from `ratio` on a logarithmic scale. Where ten draws do not fit it is the middle, as large as the
/// ratios allow. Scaling is bilinear, with a filter that widens where the part is larger than the image.
package struct RandomResizedCrop: InputTransform, Equatable {
  /// The least and the largest share of the area.
  package let scale: ClosedRange<Double>
  /// The least and the largest ratio of width to height.
  package let ratio: ClosedRange<Double>

  /// Makes a crop.
  package init(
    scale: ClosedRange<Double> = 0.08...1, ratio: ClosedRange<Double> = (3.0 / 4)...(4.0 / 3)
  ) {
    self.scale = scale
    self.ratio = ratio
  }

  package var description: String { "resized crop" }

  package func problem(with inputShape: [Int]) -> String? {
    imageProblem(inputShape) ?? rangeProblem("the scale", scale, most: 1)
      ?? rangeProblem("the ratio", ratio, most: 1e6)
  }

  package func apply(
    to values: inout MutableSpan<Float>, of input: ExampleInput, random: inout CounterGenerator
  ) throws {
    if let problem = problem(with: input.shape) { throw DatasetError(description, problem) }
    let (height, width) = (input.shape[1], input.shape[2])
    let part =
      random.part(
        ofHeight: height, width: width, scale: scale, ratio: ratio, isWhole: true)
      ?? middle(height, width)
    values.withUnsafeMutableBufferPointer { input.scale($0, from: part) }
  }

  /// An image's part, scaled to the image's size.
  package static func scaled(
    _ values: [Float], shape: [Int], top: Int, left: Int, height: Int, width: Int
  ) throws -> [Float] {
    var (values, scratch) = (values, values)
    try values.withUnsafeMutableBufferPointer { values in
      try scratch.withUnsafeMutableBufferPointer { scratch in
        let input = try ExampleInput(
          values: values, shape: shape, blank: [0], scratch: scratch)
        input.scale(
          values, from: ImagePart(top: top, left: left, height: height, width: width))
      }
    }
    return values
  }

  /// The middle of an image, as large as the ratios allow.
  private func middle(_ height: Int, _ width: Int) -> ImagePart {
    let shape = Double(width) / Double(height)
    var (h, w) = (height, width)
    if shape < ratio.lowerBound {
      h = Int((Double(width) / ratio.lowerBound).rounded(.toNearestOrEven))
    } else if shape > ratio.upperBound {
      w = Int((Double(height) * ratio.upperBound).rounded(.toNearestOrEven))
    }
    (h, w) = (min(max(h, 1), height), min(max(w, 1), width))
    return ImagePart(top: (height - h) / 2, left: (width - w) / 2, height: h, width: w)
  }
}

extension RandomResizedCrop {
  static let entry = Entry<ImageChange>(
    "resizedCrop", "cuts a part of random size and shape out and scales it to the image's size",
    [
      .with(
        "scale", .numbers(NumberRange(to: 1, above: 0)), [0.08, 1],
        "least and largest share of the area"),
      .with(
        "ratio", .numbers(NumberRange(to: 1e6, above: 0)), [0.75, 1.3333333333333333],
        "least and largest ratio of width to height"),
    ]
  ) { values in
    .random(
      RandomResizedCrop(
        scale: try values.interval("scale"), ratio: try values.interval("ratio")))
  }
}

extension Hyperparameters {
  /// Two numbers, the smaller one first.
  func interval(_ key: String) throws -> ClosedRange<Double> {
    let numbers: [Double] = self[key]
    guard numbers.count == 2, numbers[0] <= numbers[1] else {
      throw error(key, "must be two numbers, the smaller one first; found \(numbers)")
    }
    return numbers[0]...numbers[1]
  }
}

extension ExampleInput {
  /// Fills an image with a part of it, scaled: rows first, then columns.
  func scale(_ values: UnsafeMutableBufferPointer<Float>, from part: ImagePart) {
    let (height, width) = (shape[1], shape[2])
    let columns = ScalingWeights(of: part.width, to: width)
    let rows = ScalingWeights(of: part.height, to: height)
    let scratch = scratch
    for plane in 0..<shape[0] {
      let pixels = values.baseAddress! + plane * height * width
      for y in 0..<part.height {
        let row = pixels + (part.top + y) * width + part.left
        for x in 0..<width { scratch[y * width + x] = columns.value(at: x, row, step: 1) }
      }
      for y in 0..<height {
        for x in 0..<width {
          pixels[y * width + x] = rows.value(at: y, scratch.baseAddress! + x, step: width)
        }
      }
    }
  }
}
