/// Two distinct numbers of a column that are kept as one number in Float32, though their difference is
/// more than what rounding always takes.
///
/// Whole numbers count always: 16777216 and 16777217 stand for two things. Fractions do where their
/// difference is no trifle beside the column's spread: Float32 has 7 digits, and two of many measured
/// values may well agree in all of them.
struct MergedNumbers: CustomStringConvertible {
  /// The smaller one.
  let low: Double
  /// The larger one.
  let high: Double

  /// The largest share of the spread that is a trifle.
  private static let trifle = 1e-5
  /// So many values show the spread.
  private static let sampleSize = 1000

  /// Looks for the pair that lies furthest apart; nil where there is none.
  ///
  /// - Parameters:
  ///   - count: the number of values.
  ///   - mean: what is subtracted before a value is kept.
  ///   - deviation: what is divided by then.
  ///   - value: the value at an index, a finite one.
  init?(count: Int, mean: Double = 0, deviation: Double = 1, value: (Int) -> Double) {
    guard count > 1 else { return nil }
    func kept(_ value: Double) -> Float { Float((value - mean) / deviation) }
    var (largest, areWhole) = (0.0, true)
    for index in 0..<count {
      let number = value(index)
      largest = max(largest, ((number - mean) / deviation).magnitude)
      areWhole = areWhole && number == number.rounded()
    }
    let sample = stride(from: 0, to: count, by: max(count / Self.sampleSize, 1)).map(value).sorted()
    var spread = sample[sample.count * 3 / 4] - sample[sample.count / 4]
    if spread == 0 { spread = sample[sample.count - 1] - sample[0] }
    // Numbers that become one are no further apart than neighbours in Float32 are.
    let step =
      deviation * max(largest * Double(Float.ulpOfOne), Double(Float.leastNonzeroMagnitude))
    if step < 0.25, areWhole || step <= Self.trifle * spread { return nil }

    let values = (0..<count).map(value).sorted()
    var best: (low: Double, high: Double)?
    var first = 0
    for index in 1...values.count {
      if index < values.count, kept(values[index]) == kept(values[first]) { continue }
      let (low, high) = (values[first], values[index - 1])
      first = index
      let matters =
        high - low > Self.trifle * spread
        || low != high && low == low.rounded() && high == high.rounded()
      if matters, high - low > best.map({ $0.high - $0.low }) ?? 0 { best = (low, high) }
    }
    guard let best else { return nil }
    (low, high) = best
  }

  var description: String { "\(CellText.text(low)) and \(CellText.text(high))" }
}
