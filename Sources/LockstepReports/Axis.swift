#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#endif

/// A range of values on a line from 0 to 1, with round ticks.
struct Axis {
  private(set) var low: Double
  private(set) var high: Double
  let isLogarithmic: Bool

  init(_ values: [Double], logarithmic: Bool) {
    isLogarithmic = logarithmic
    let values = values.map { Axis.clamped($0, logarithmic: logarithmic) }
    low = values.min() ?? (logarithmic ? 1 : 0)
    high = values.max() ?? (logarithmic ? 10 : 1)
    if logarithmic {
      if high <= low * 1.0001 { (low, high) = (low / 2, high * 2) }
      let margin = exp(0.04 * log(high / low))
      (low, high) = (low / margin, high * margin)
      return
    }
    if high - low <= 1e-9 * max(low.magnitude, high.magnitude) {
      let half = max(0.5, 1e-3 * low.magnitude)
      (low, high) = (low - half, high + half)
    }
    let margin = 0.04 * (high - low)
    low = low >= 0 && low < 4 * margin ? 0 : low - margin
    high += margin
  }

  /// Where a value lies, from 0 to 1.
  func place(_ value: Double) -> Double {
    let value = Self.clamped(value, logarithmic: isLogarithmic)
    return isLogarithmic
      ? log10(value / low) / log10(high / low)
      : (value - low) / (high - low)
  }

  /// The value within what the arithmetic of an axis can hold.
  private static func clamped(_ value: Double, logarithmic: Bool) -> Double {
    min(max(value, logarithmic ? 1e-150 : -1e150), 1e150)
  }

  /// Round values inside the range.
  var ticks: [Double] {
    guard isLogarithmic else {
      let step = Self.roundStep((high - low) / 6)
      let first = (low / step).rounded(.up)
      return stride(from: first, through: (high / step).rounded(.down), by: 1).map { $0 * step }
    }
    let decades = Int(log10(low).rounded(.down))...Int(log10(high).rounded(.up))
    let isWide = high / low > 1000
    // About a dozen ticks at most.
    let step = max(1, decades.count / 8)
    return decades.filter { $0 % step == 0 }.flatMap { decade in
      (isWide ? [1.0] : [1, 2, 5]).map { factor in
        decade < 0 ? factor / pow(10, Double(-decade)) : factor * pow(10, Double(decade))
      }
    }.filter { (low...high).contains($0) }
  }

  /// The next of 1, 2, 5 times a power of ten.
  private static func roundStep(_ value: Double) -> Double {
    let power = pow(10, log10(value).rounded(.down))
    return [1, 2, 5, 10].map { $0 * power }.first { $0 >= value } ?? power
  }
}
