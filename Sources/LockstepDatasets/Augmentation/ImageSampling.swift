import LockstepEngine

/// Draws of changes to images, with the formulas of torchvision.
extension CounterGenerator {
  /// A number between two, each with the same probability.
  mutating func number(in range: ClosedRange<Double>) -> Double {
    range.lowerBound + (range.upperBound - range.lowerBound) * nextUniform()
  }

  /// A part of an image: its share of the area in `scale`, the ratio of width to height in `ratio`, even on
  /// a logarithmic scale; nil where ten draws are too large.
  ///
  /// - Parameter isWhole: whether the part may be as high or as wide as the image.
  mutating func part(
    ofHeight height: Int, width: Int, scale: ClosedRange<Double>, ratio: ClosedRange<Double>,
    isWhole: Bool
  ) -> ImagePart? {
    let logarithms =
      ExactMath.logarithm(ratio.lowerBound)...ExactMath.logarithm(ratio.upperBound)
    for _ in 0..<10 {
      let area = Double(height * width) * number(in: scale)
      let aspect = ExactMath.exponential(number(in: logarithms))
      let w = Int((area * aspect).squareRoot().rounded(.toNearestOrEven))
      let h = Int((area / aspect).squareRoot().rounded(.toNearestOrEven))
      let most = isWhole ? 0 : 1
      guard w > 0, h > 0, w <= width - most, h <= height - most else { continue }
      let top = index(below: height - h + 1)
      return ImagePart(top: top, left: index(below: width - w + 1), height: h, width: w)
    }
    return nil
  }
}

/// A rectangle of an image.
struct ImagePart: Sendable, Equatable {
  var top: Int
  var left: Int
  var height: Int
  var width: Int

  /// The numbers of its pixels' places in a plane of rows of `rowLength`, row by row.
  func rows(_ rowLength: Int) -> [Range<Int>] {
    (top..<top + height).map { $0 * rowLength + left..<$0 * rowLength + left + width }
  }
}

/// Why inputs are no images; nil where they are.
func imageProblem(_ inputShape: [Int]) -> String? {
  inputShape.count == 3
    ? nil
    : "it is for images [channels, height, width], and the inputs have the shape \(inputShape)"
}

/// Why a range makes no sense; nil where it does.
func rangeProblem(_ name: String, _ range: ClosedRange<Double>, most: Double) -> String? {
  range.lowerBound > 0 && range.upperBound <= most
    ? nil : "\(name) \(range.lowerBound) to \(range.upperBound) is not within 0 to \(most)"
}
