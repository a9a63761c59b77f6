/// Scaling of pictures by a triangle filter that widens where they shrink (bilinear with antialiasing),
/// first along rows, then along columns, each rounded to 8 bits.
///
/// Weights are computed in Float64 by basic operations and rounded to 22 fractional bits; sums are of
/// integers. So the result is the same bits everywhere, and those of Pillow's `resize(…, BILINEAR)`, which
/// torchvision's `Resize` calls.
///
/// Source: the Pillow manual, "Filters"; P. Heckbert, "Fundamentals of texture mapping", 1989.
struct ScalingWeights {
  /// For each place of the result the first place that it is made of, and the weights from there on.
  let taps: [(first: Int, weights: [Int32])]

  private static let bits = 22

  /// - Parameters:
  ///   - start: where the part begins that is scaled, in pixels.
  ///   - length: how long it is.
  ///   - count: the number of pixels that there are.
  ///   - size: how many it becomes.
  init(from start: Double, length: Double, of count: Int, to size: Int) {
    let scale = length / Double(size)
    // The triangle is one pixel of the coarser side wide on each side.
    let reach = max(scale, 1)
    let steepness = 1 / reach
    taps = (0..<size).map { place in
      let center = start + (Double(place) + 0.5) * scale
      let first = max(Int(center - reach + 0.5), 0)
      let end = min(Int(center + reach + 0.5), count)
      let raw = (first..<max(end, first + 1)).map { pixel -> Double in
        max(1 - ((Double(pixel) - center + 0.5) * steepness).magnitude, 0)
      }
      let sum = raw.reduce(0, +)
      return (
        first,
        raw.map { weight in
          let share = sum == 0 ? weight : weight / sum
          return Int32(share * Double(1 << Self.bits) + 0.5)
        }
      )
    }
  }

  /// The scaled value of a run of pixels that lie `step` apart.
  @inline(__always)
  func value(at place: Int, _ pixels: UnsafePointer<UInt8>, step: Int) -> UInt8 {
    let (first, weights) = taps[place]
    var sum: Int32 = 1 << Int32(Self.bits - 1)
    var from = pixels + first * step
    for weight in weights {
      sum &+= Int32(from.pointee) &* weight
      from += step
    }
    return UInt8(clamping: sum >> Int32(Self.bits))
  }
}

extension Picture {
  /// The picture in another size.
  ///
  /// - Returns: nil where it has another size and must not be scaled.
  package func fitted(_ fit: ImageFit, height: Int, width: Int) -> Picture? {
    if self.height == height, self.width == width { return self }
    switch fit {
    case .exact: return nil
    case .stretch: return scaled(height: height, width: width)
    case .crop:
      // The scaled picture covers the size; as torchvision's Resize and CenterCrop, it is rounded to
      // whole pixels before the middle is cut out.
      let (h, w) = (self.height, self.width)
      let isTall = h * width >= w * height
      let newHeight = isTall ? max(h * width / w, height) : height
      let newWidth = isTall ? width : max(w * height / h, width)
      return scaled(height: newHeight, width: newWidth).cut(
        top: Self.half(newHeight - height), left: Self.half(newWidth - width),
        height: height, width: width)
    }
  }

  /// Half of a number, rounded to the nearest integer, halves to the even one.
  private static func half(_ number: Int) -> Int {
    Int((Double(number) / 2).rounded(.toNearestOrEven))
  }

  private func scaled(height: Int, width: Int) -> Picture {
    guard height != self.height || width != self.width else { return self }
    let rows =
      width == self.width
      ? self
      : scaledRows(ScalingWeights(from: 0, length: Double(self.width), of: self.width, to: width))
    return height == self.height
      ? rows
      : rows.scaledColumns(
        ScalingWeights(from: 0, length: Double(self.height), of: self.height, to: height))
  }

  private func scaledRows(_ weights: ScalingWeights) -> Picture {
    let size = weights.taps.count
    var result = [UInt8](repeating: 0, count: height * size * channels)
    pixels.withUnsafeBufferPointer { pixels in
      for y in 0..<height {
        let row = pixels.baseAddress! + y * width * channels
        for x in 0..<size {
          for channel in 0..<channels {
            result[(y * size + x) * channels + channel] = weights.value(
              at: x, row + channel, step: channels)
          }
        }
      }
    }
    return Picture(width: size, height: height, channels: channels, pixels: result)
  }

  private func scaledColumns(_ weights: ScalingWeights) -> Picture {
    let size = weights.taps.count
    let row = width * channels
    var result = [UInt8](repeating: 0, count: size * row)
    pixels.withUnsafeBufferPointer { pixels in
      for y in 0..<size {
        for x in 0..<row {
          result[y * row + x] = weights.value(at: y, pixels.baseAddress! + x, step: row)
        }
      }
    }
    return Picture(width: width, height: size, channels: channels, pixels: result)
  }

  private func cut(top: Int, left: Int, height: Int, width: Int) -> Picture {
    var result: [UInt8] = []
    result.reserveCapacity(height * width * channels)
    for y in top..<top + height {
      let start = (y * self.width + left) * channels
      result += pixels[start..<start + width * channels]
    }
    return Picture(width: width, height: height, channels: channels, pixels: result)
  }
}
