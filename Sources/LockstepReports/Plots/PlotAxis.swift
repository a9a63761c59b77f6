import LockstepFiles
import LockstepPlatform

/// A range of values on a line from 0 to 1, with round ticks.
package struct PlotAxis {
  /// What lies at a place of the axis, and what is written there.
  package struct Tick: Equatable {
    /// The place.
    package let value: Double
    /// What is written there.
    package let label: String
  }

  /// The lower end.
  package let low: Double
  /// The upper end.
  package let high: Double
  /// Whether ratios, not differences, are equally far apart.
  package let isLogarithmic: Bool
  /// The names of places 0, 1, 2, … where the axis is one of names.
  package let categories: [String]

  /// Values beyond this, and positive ones below its inverse, are shown at it, so that differences and
  /// ratios stay finite.
  private static let limit = 1e300

  /// An axis that holds finite values; on a logarithmic one, positive values alone.
  package init(_ values: [Double], logarithmic: Bool) {
    categories = []
    isLogarithmic = logarithmic
    let least = logarithmic ? 1 / Self.limit : -Self.limit
    let values = values.filter { $0.isFinite && (!logarithmic || $0 > 0) }
      .map { min(max($0, least), Self.limit) }
    var low = values.min() ?? (logarithmic ? 1 : 0)
    var high = values.max() ?? (logarithmic ? 10 : 1)
    if logarithmic {
      if high <= low * 1.0001 { (low, high) = (low / 2, high * 2) }
      let margin = exp(0.04 * (log(high) - log(low)))
      (low, high) = (max(low / margin, 1e-307), min(high * margin, 1e307))
    } else {
      if high - low <= 1e-9 * max(low.magnitude, high.magnitude, 1e-300) {
        let half = low.magnitude < 1e-300 ? 0.5 : low.magnitude / 2
        (low, high) = (low - half, high + half)
      }
      let margin = 0.04 * (high - low)
      low = low >= 0 && low < 4 * margin ? 0 : low - margin
      high += margin
    }
    self.low = low
    self.high = high
  }

  /// An axis of names, evenly spaced.
  package init(categories: [String]) {
    self.categories = categories
    isLogarithmic = false
    low = -0.5
    high = Double(max(categories.count, 1)) - 0.5
  }

  /// Whether a value has a place between the ends.
  package func shows(_ value: Double) -> Bool { value.isFinite && (!isLogarithmic || value > 0) }

  /// Where a value lies, from 0 to 1.
  package func place(_ value: Double) -> Double {
    let value = min(max(value, low), high)
    return isLogarithmic
      ? (log10(value) - log10(low)) / (log10(high) - log10(low))
      : (value - low) / (high - low)
  }

  /// Round values inside the range, few enough to be read.
  package var ticks: [Tick] {
    if !categories.isEmpty {
      let every = (categories.count - 1) / 24 + 1
      return stride(from: 0, to: categories.count, by: every).map {
        Tick(value: Double($0), label: Self.shortened(categories[$0]))
      }
    }
    return isLogarithmic ? logarithmicTicks : linearTicks
  }

  private var linearTicks: [Tick] {
    let step = Self.roundStep((high - low) / 6)
    guard step > 0, step.isFinite else { return [] }
    let (first, last) = ((low / step).rounded(.up), (high / step).rounded(.down))
    guard last >= first, last - first < 100 else { return [] }
    // As many digits as tell one tick from the next.
    let largest = max(first.magnitude, last.magnitude, 1)
    let digits = min(max(Int(log10(largest)) + 2, 3), 15)
    return stride(from: first, through: last, by: 1).map {
      let value = $0 * step
      return Tick(value: value, label: readable(value, digits: digits))
    }
  }

  private var logarithmicTicks: [Tick] {
    let decades = log10(high) - log10(low)
    let (first, last) = (Int(log10(low).rounded(.down)), Int(log10(high).rounded(.up)))
    let every = [1, 2, 5, 10, 20, 50].first { Double($0) >= decades / 8 } ?? 100
    let factors = decades > 3 ? [1] : [1, 2, 5]
    var ticks: [Tick] = []
    for exponent in first...last where exponent.isMultiple(of: every) {
      for factor in factors {
        // Written with its exponent, so that it is the nearest number and reads as it.
        guard let value = Double("\(factor)e\(exponent)"), (low...high).contains(value) else {
          continue
        }
        ticks.append(Tick(value: value, label: readable(value)))
      }
    }
    // A range inside of one decade has no power of ten, perhaps.
    return ticks.count >= 2 ? ticks : linearTicks.filter { $0.value > 0 }
  }

  /// The next of 1, 2, 5 times a power of ten.
  private static func roundStep(_ value: Double) -> Double {
    guard value > 0, value.isFinite else { return 0 }
    let exponent = Int(log10(value).rounded(.down))
    for candidate in ["1e\(exponent)", "2e\(exponent)", "5e\(exponent)", "1e\(exponent + 1)"] {
      if let step = Double(candidate), step >= value * (1 - 1e-12) { return step }
    }
    return Double("2e\(exponent + 1)") ?? value
  }

  private static func shortened(_ text: String) -> String {
    text.count > 24 ? text.prefix(22) + "…" : text
  }
}
