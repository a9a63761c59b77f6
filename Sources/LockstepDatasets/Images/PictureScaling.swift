// Pictures in other sizes: scaled along rows, then along columns, each rounded to 8 bits. Sums are of
// integers, and the bits those of Pillow's `resize(…, BILINEAR)`, which torchvision's `Resize` calls. (Pillow 13
// takes columns first for some sizes; values may then differ by 1.)

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
      : scaledRows(ScalingWeights(of: self.width, to: width))
    return height == self.height
      ? rows
      : rows.scaledColumns(
        ScalingWeights(of: self.height, to: height))
  }

  private func scaledRows(_ weights: ScalingWeights) -> Picture {
    let size = weights.size
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
    let size = weights.size
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
