import LockstepCatalog
import LockstepEngine

/// Changes brightness, contrast, saturation and hue, in a random order: torchvision's `ColorJitter`.
///
/// With p the values in 0...1, black to white, g = 0.2989 R + 0.587 G + 0.114 B, and f a factor that is drawn
/// from [max(0, 1 − s), 1 + s] for each strength s:
///
/// - brightness: f p
/// - contrast: f p + (1 − f) mean g
/// - saturation: f p + (1 − f) g, for images in colours
///
/// each kept within 0...1. The hue, a place on the circle of colours from 0 to 1, is moved by what is drawn from
/// [−s, s].
package struct ColorJitter: ColorTransform, Equatable {
  /// The strength of the change of brightness, at least 0.
  package let brightness: Double
  /// The strength of the change of contrast, at least 0.
  package let contrast: Double
  /// The strength of the change of saturation, at least 0.
  package let saturation: Double
  /// The largest move of the hue, in 0...0.5.
  package let hue: Double

  /// Makes a change of colours.
  package init(
    brightness: Double = 0, contrast: Double = 0, saturation: Double = 0, hue: Double = 0
  ) {
    self.brightness = brightness
    self.contrast = contrast
    self.saturation = saturation
    self.hue = hue
  }

  package var description: String { "colour jitter" }

  package func problem(with inputShape: [Int]) -> String? {
    if let problem = imageProblem(inputShape) { return problem }
    guard [1, 3].contains(inputShape[0]) else {
      return
        "it is for grey images and for images of red, green and blue, and the inputs have the shape \(inputShape)"
    }
    guard [brightness, contrast, saturation].allSatisfy({ $0 >= 0 && $0.isFinite }) else {
      return "its strengths must be at least 0"
    }
    return (0...0.5).contains(hue) ? nil : "its hue must be in 0...0.5"
  }

  package func apply(
    to values: inout MutableSpan<Float>, of input: ExampleInput, random: inout CounterGenerator
  ) throws {
    if let problem = problem(with: input.shape) { throw DatasetError(description, problem) }
    guard let white = input.white else {
      throw DatasetError(description, "inputs are no bytes: it is not known what white is")
    }
    func factor(_ strength: Double) -> Float {
      Float(random.number(in: max(0, 1 - strength)...1 + strength))
    }
    var changes: [(Kind, Float)] = [
      (.brightness, factor(brightness)), (.contrast, factor(contrast)),
      (.saturation, factor(saturation)),
    ]
    if hue > 0 { changes.append((.hue, Float(random.number(in: -hue...hue)))) }
    random.shuffle(&changes)
    values.withUnsafeMutableBufferPointer { values in
      let colors = Colors(values, channels: input.shape[0], black: input.blank, white: white)
      colors.toUnit()
      for (kind, factor) in changes { colors.change(kind, factor) }
      colors.fromUnit()
    }
  }

  /// What is changed.
  package enum Kind: String, Sendable, CaseIterable {
    /// How bright the image is.
    case brightness
    /// How far values lie from their mean grey.
    case contrast
    /// How far colours lie from their grey.
    case saturation
    /// Where colours lie on their circle; moved, not multiplied.
    case hue
  }

  /// An image of values from black to white with one change by a factor.
  package static func changed(
    _ values: [Float], channels: Int, black: [Float], white: [Float], _ kind: Kind,
    by factor: Float
  ) -> [Float] {
    var values = values
    values.withUnsafeMutableBufferPointer { values in
      let colors = Colors(values, channels: channels, black: black, white: white)
      colors.toUnit()
      colors.change(kind, factor)
      colors.fromUnit()
    }
    return values
  }
}

/// The values of an image between black and white.
private struct Colors {
  private let values: UnsafeMutableBufferPointer<Float>
  private let channels: Int
  private let black: [Float]
  private let white: [Float]

  init(
    _ values: UnsafeMutableBufferPointer<Float>, channels: Int, black: [Float], white: [Float]
  ) {
    self.values = values
    self.channels = channels
    self.black = (0..<channels).map { black[black.count == 1 ? 0 : $0] }
    self.white = (0..<channels).map { white[white.count == 1 ? 0 : $0] }
  }

  private var plane: Int { values.count / channels }

  func toUnit() {
    for channel in 0..<channels {
      let (black, span) = (black[channel], white[channel] - black[channel])
      for place in channel * plane..<(channel + 1) * plane {
        values[place] = (values[place] - black) / span
      }
    }
  }

  func fromUnit() {
    for channel in 0..<channels {
      let (black, span) = (black[channel], white[channel] - black[channel])
      for place in channel * plane..<(channel + 1) * plane {
        values[place] = values[place] * span + black
      }
    }
  }

  private func grey(_ pixel: Int) -> Float {
    guard channels == 3 else { return values[pixel] }
    return 0.2989 * values[pixel] + 0.587 * values[plane + pixel] + 0.114
      * values[2 * plane + pixel]
  }

  func change(_ kind: ColorJitter.Kind, _ factor: Float) {
    switch kind {
    case .brightness:
      for place in values.indices { values[place] = min(max(values[place] * factor, 0), 1) }
    case .contrast:
      var sum = 0.0
      for pixel in 0..<plane { sum += Double(grey(pixel)) }
      let mean = (1 - factor) * Float(sum / Double(plane))
      for place in values.indices {
        values[place] = min(max(values[place] * factor + mean, 0), 1)
      }
    case .saturation:
      guard channels == 3 else { return }
      for pixel in 0..<plane {
        let grey = (1 - factor) * grey(pixel)
        for channel in 0..<3 {
          let place = channel * plane + pixel
          values[place] = min(max(values[place] * factor + grey, 0), 1)
        }
      }
    case .hue:
      guard channels == 3 else { return }
      for pixel in 0..<plane { moveHue(pixel, by: factor) }
    }
  }

  /// Moves the hue of a pixel, by way of hue, saturation and value.
  private func moveHue(_ pixel: Int, by shift: Float) {
    let (red, green, blue) = (
      values[pixel], values[plane + pixel], values[2 * plane + pixel]
    )
    let (most, least) = (max(red, green, blue), min(red, green, blue))
    let spread = most - least
    guard spread > 0 else { return }  // A grey has no hue.
    let part: Float =
      if red == most {
        (green - blue) / spread
      } else if green == most {
        2 + (blue - red) / spread
      } else {
        4 + (red - green) / spread
      }
    var hue = part / 6 + shift
    hue -= hue.rounded(.down)
    let sector = (6 * hue).rounded(.down)
    let rest = 6 * hue - sector
    let falling = most - spread * rest
    let rising = most - spread * (1 - rest)
    let color: (Float, Float, Float) =
      switch Int(sector) % 6 {
      case 0: (most, rising, least)
      case 1: (falling, most, least)
      case 2: (least, most, rising)
      case 3: (least, falling, most)
      case 4: (rising, least, most)
      default: (most, least, falling)
      }
    (values[pixel], values[plane + pixel], values[2 * plane + pixel]) = color
  }
}

extension ColorJitter {
  static let entry = Entry<ImageChange>(
    "colorJitter", "changes brightness, contrast, saturation and hue of images of bytes",
    [
      .with("brightness", .nonNegative, 0, "f in [max(0, 1 − s), 1 + s] multiplies values"),
      .with("contrast", .nonNegative, 0, "f moves values from their mean grey"),
      .with("saturation", .nonNegative, 0, "f moves colours from their grey"),
      .with(
        "hue", .number(NumberRange(from: 0, to: 0.5)), 0,
        "what is drawn from [−s, s] moves colours on their circle of length 1"),
    ]
  ) { values in
    .random(
      ColorJitter(
        brightness: values["brightness"], contrast: values["contrast"],
        saturation: values["saturation"], hue: values["hue"]))
  }
}
