import LockstepCatalog
import LockstepEngine

/// Moves an image by −pixels…pixels in each direction, each number with the same probability; what
/// comes in is black.
package struct RandomShift: InputTransform, Equatable {
  /// The largest move, in pixels: at least 0, less than the image's height and width.
  package let pixels: Int

  /// Makes a shift by at most so many pixels.
  package init(pixels: Int) { self.pixels = pixels }

  package var description: String { "shift of \(pixels) pixels" }

  package func problem(with inputShape: [Int]) -> String? {
    imageProblem(inputShape)
      ?? (pixels < 0 || pixels >= min(inputShape[1], inputShape[2])
        ? "images of \(inputShape[1])×\(inputShape[2]) can be shifted by 0 to "
          + "\(min(inputShape[1], inputShape[2]) - 1) pixels" : nil)
  }

  package func apply(
    to values: inout MutableSpan<Float>, of input: ExampleInput, random: inout CounterGenerator
  ) throws {
    if let problem = problem(with: input.shape) { throw DatasetError(description, problem) }
    let down = random.index(below: 2 * pixels + 1) - pixels
    let right = random.index(below: 2 * pixels + 1) - pixels
    values.withUnsafeMutableBufferPointer {
      input.move($0, down: down, right: right, border: .blank)
    }
  }
}

extension RandomShift {
  static let entry = Entry<ImageChange>(
    "shift", "moves an image by up to `pixels` in each direction; what comes in is black",
    [.required("pixels", .size, "the largest move")]
  ) { values in .random(RandomShift(pixels: values["pixels"])) }
}

/// What is around an image.
public enum CropBorder: String, Sendable, CaseIterable {
  /// Black.
  case blank
  /// The nearest pixel.
  case edge
  /// The image mirrored at its outermost pixels, which are not repeated.
  case reflect
}

/// Surrounds an image by `padding` pixels on each side and cuts its size out anywhere.
package struct RandomCrop: InputTransform, Equatable {
  package typealias Border = CropBorder

  /// The pixels on each side: at least 0, fewer than the image's height and width.
  package let padding: Int
  /// What is around the image. (PyTorch's `padding_mode`.)
  package let border: Border

  /// Makes a crop with so many pixels of a border on each side.
  package init(padding: Int, border: Border = .blank) {
    self.padding = padding
    self.border = border
  }

  package var description: String { "crop with a padding of \(padding)" }

  package func problem(with inputShape: [Int]) -> String? {
    imageProblem(inputShape)
      ?? (padding < 0 || padding >= min(inputShape[1], inputShape[2])
        ? "images of \(inputShape[1])×\(inputShape[2]) can be padded by 0 to "
          + "\(min(inputShape[1], inputShape[2]) - 1) pixels" : nil)
  }

  package func apply(
    to values: inout MutableSpan<Float>, of input: ExampleInput, random: inout CounterGenerator
  ) throws {
    if let problem = problem(with: input.shape) { throw DatasetError(description, problem) }
    let top = random.index(below: 2 * padding + 1)
    let left = random.index(below: 2 * padding + 1)
    values.withUnsafeMutableBufferPointer {
      input.move($0, down: padding - top, right: padding - left, border: border)
    }
  }
}

extension RandomCrop {
  static let entry = Entry<ImageChange>(
    "crop", "surrounds an image by `padding` pixels and cuts its size out anywhere",
    [
      .required("padding", .size, "the pixels on each side"),
      .with("border", Border.blank, "what is around the image"),
    ]
  ) { values in .random(RandomCrop(padding: values["padding"], border: values["border"])) }
}

extension RandomCrop.Border: HyperparameterValue {}

/// Which sides change places.
public enum FlipAxis: String, Sendable, CaseIterable {
  /// Left and right change places.
  case horizontal
  /// Top and bottom change places.
  case vertical
}

/// Mirrors an image with a probability.
package struct RandomFlip: InputTransform, Equatable {
  package typealias Axis = FlipAxis

  /// Which sides change places.
  package let axis: Axis
  /// The probability that an image is mirrored, in 0...1.
  package let probability: Double

  /// Makes a flip. (PyTorch's `RandomHorizontalFlip` and `RandomVerticalFlip`.)
  package init(_ axis: Axis = .horizontal, probability: Double = 0.5) {
    self.axis = axis
    self.probability = probability
  }

  package var description: String { "\(axis) flip" }

  package func problem(with inputShape: [Int]) -> String? {
    imageProblem(inputShape)
      ?? ((0...1).contains(probability) ? nil : "the probability \(probability) is not in 0...1")
  }

  package func apply(
    to values: inout MutableSpan<Float>, of input: ExampleInput, random: inout CounterGenerator
  ) throws {
    if let problem = problem(with: input.shape) { throw DatasetError(description, problem) }
    if random.nextUniform() < probability {
      values.withUnsafeMutableBufferPointer { input.flip($0, axis) }
    }
  }
}

extension RandomFlip {
  static let entry = Entry<ImageChange>(
    "flip", "mirrors an image with a probability",
    [
      .with("axis", Axis.horizontal, "which sides change places"),
      .with("probability", .fraction, 0.5, "the probability that an image is mirrored"),
    ]
  ) { values in .random(RandomFlip(values["axis"], probability: values["probability"])) }
}

extension RandomFlip.Axis: HyperparameterValue {}

extension ExampleInput {
  /// Moves an image by whole pixels.
  func move(
    _ values: UnsafeMutableBufferPointer<Float>, down: Int, right: Int, border: RandomCrop.Border
  ) {
    if down == 0, right == 0 { return }
    let (channels, height, width) = (shape[0], shape[1], shape[2])
    let source = scratch.baseAddress!
    source.update(from: values.baseAddress!, count: channels * height * width)
    // The columns that have a pixel of the image's.
    let inside = max(right, 0)..<min(width + right, width)
    for channel in 0..<channels {
      let plane = channel * height * width
      let fill = blank[blank.count == 1 ? 0 : channel]
      for y in 0..<height {
        let row = values.baseAddress! + plane + y * width
        guard let from = Self.place(y - down, in: height, border) else {
          row.update(repeating: fill, count: width)
          continue
        }
        let pixels = source + plane + from * width
        (row + inside.lowerBound).update(
          from: pixels + (inside.lowerBound - right), count: inside.count)
        func outside(_ columns: Range<Int>) {
          for x in columns {
            row[x] = Self.place(x - right, in: width, border).map { pixels[$0] } ?? fill
          }
        }
        outside(0..<inside.lowerBound)
        outside(inside.upperBound..<width)
      }
    }
  }

  /// Where the pixel at a place that may be outside is taken from; nil for nowhere.
  private static func place(_ index: Int, in count: Int, _ border: RandomCrop.Border) -> Int? {
    if index >= 0, index < count { return index }
    switch border {
    case .blank: return nil
    case .edge: return index < 0 ? 0 : count - 1
    case .reflect: return index < 0 ? -index : 2 * (count - 1) - index
    }
  }

  /// Mirrors an image.
  func flip(_ values: UnsafeMutableBufferPointer<Float>, _ axis: RandomFlip.Axis) {
    let (height, width) = (shape[1], shape[2])
    for plane in 0..<shape[0] {
      let pixels = values.baseAddress! + plane * height * width
      switch axis {
      case .horizontal:
        for y in 0..<height {
          let row = pixels + y * width
          for x in 0..<width / 2 { swapPixels(row + x, row + (width - 1 - x)) }
        }
      case .vertical:
        for y in 0..<height / 2 {
          let (upper, lower) = (pixels + y * width, pixels + (height - 1 - y) * width)
          for x in 0..<width { swapPixels(upper + x, lower + x) }
        }
      }
    }
  }

  private func swapPixels(_ a: UnsafeMutablePointer<Float>, _ b: UnsafeMutablePointer<Float>) {
    let value = a.pointee
    a.pointee = b.pointee
    b.pointee = value
  }
}

extension InputTransform where Self == Provided {
  /// Moves an image by −pixels…pixels in each direction, each number with the same probability; what
  /// comes in is black.
  ///
  /// - Parameter pixels: the largest shift.
  public static func randomShift(pixels: Int) -> some InputTransform { RandomShift(pixels: pixels) }
}

extension InputTransform where Self == Provided {
  /// Surrounds an image by `padding` pixels on each side and cuts its size out anywhere.
  ///
  /// Source: He et al., "Deep residual learning", section 4.2; PyTorch's `RandomCrop(size, padding)`.
  ///
  /// - Parameters:
  ///   - padding: the rows and columns on each side.
  ///   - border: what they are filled with.
  public static func randomCrop(padding: Int, border: CropBorder = .blank) -> some InputTransform {
    RandomCrop(padding: padding, border: border)
  }
}

extension InputTransform where Self == Provided {
  /// Mirrors an image with a probability.
  ///
  /// - Parameters:
  ///   - axis: what is turned round.
  ///   - probability: 0 to 1.
  public static func randomFlip(
    _ axis: FlipAxis = .horizontal, probability: Double = 0.5
  ) -> some InputTransform {
    RandomFlip(axis, probability: probability)
  }
}
