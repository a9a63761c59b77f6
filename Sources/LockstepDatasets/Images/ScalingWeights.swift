/// The weights of scaling by a triangle filter that widens where an image shrinks: bilinear with
/// antialiasing. They are computed in Float64 by basic operations, and so the same bits everywhere.
///
/// Source: P. Heckbert, "Fundamentals of texture mapping", 1989; the Pillow manual, "Filters".
struct ScalingWeights {
  /// For each place of the result the first place that it is made of, and where its weights lie.
  private let taps: [(first: Int, weights: Range<Int>)]
  private let weights: [Float]
  /// The weights, rounded to 22 fractional bits, as Pillow has them.
  private let fixed: [Int32]

  private static let bits: Int32 = 22

  /// - Parameters:
  ///   - count: the number of pixels that there are.
  ///   - size: how many they become.
  init(of count: Int, to size: Int) {
    let scale = Double(count) / Double(size)
    // The triangle is one pixel of the coarser side wide on each side.
    let reach = max(scale, 1)
    let steepness = 1 / reach
    var taps: [(first: Int, weights: Range<Int>)] = []
    var weights: [Double] = []
    for place in 0..<size {
      let center = (Double(place) + 0.5) * scale
      let first = max(Int(center - reach + 0.5), 0)
      let end = max(min(Int(center + reach + 0.5), count), first + 1)
      let start = weights.count
      for pixel in first..<end {
        weights.append(max(1 - ((Double(pixel) - center + 0.5) * steepness).magnitude, 0))
      }
      let sum = weights[start...].reduce(0, +)
      if sum != 0 { for index in start..<weights.count { weights[index] /= sum } }
      taps.append((first, start..<weights.count))
    }
    self.taps = taps
    self.weights = weights.map { Float($0) }
    fixed = weights.map { Int32($0 * Double(1 << Self.bits) + 0.5) }
  }

  /// The number of places of the result.
  var size: Int { taps.count }

  /// The scaled value of a run of pixels that lie `step` apart, rounded to 8 bits.
  @inline(__always)
  func value(at place: Int, _ pixels: UnsafePointer<UInt8>, step: Int) -> UInt8 {
    let (first, places) = taps[place]
    var sum: Int32 = 1 << (Self.bits - 1)
    var from = pixels + first * step
    for index in places {
      sum &+= Int32(from.pointee) &* fixed[index]
      from += step
    }
    return UInt8(clamping: sum >> Self.bits)
  }

  /// The scaled value of a run of pixels that lie `step` apart.
  @inline(__always)
  func value(at place: Int, _ pixels: UnsafePointer<Float>, step: Int) -> Float {
    let (first, places) = taps[place]
    var sum: Float = 0
    var from = pixels + first * step
    for index in places {
      sum += from.pointee * weights[index]
      from += step
    }
    return sum
  }
}
