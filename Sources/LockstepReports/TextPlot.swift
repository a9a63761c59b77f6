import LockstepFiles

/// A line over steps drawn with characters: Braille patterns, of 2 by 4 dots each, or asterisks.
package struct TextPlot: Sendable {
  private let values: [Double]
  private let isLogarithmic: Bool
  private let isUnicode: Bool

  /// A plot of values, one behind the other.
  package init(_ values: [Double], isLogarithmic: Bool, isUnicode: Bool) {
    self.values = values
    self.isLogarithmic = isLogarithmic && values.contains { $0 > 0 && $0.isFinite }
    self.isUnicode = isUnicode
  }

  /// The lines from the top, with the values at both ends of the axis on the left.
  ///
  /// Where a column stands for several values the dots go from the lowest to the highest of them.
  package func lines(width: Int, height: Int) -> [String] {
    let axis = PlotAxis(values, logarithmic: isLogarithmic)
    let labels = [readable(axis.high, digits: 2), readable(axis.low, digits: 2)]
    let margin = min(max(labels.map(\.count).max() ?? 0, 4), 10)
    let columns = width - margin - 2
    guard columns >= 4, height >= 1, !values.isEmpty else { return [] }
    let (across, down) = isUnicode ? (2, 4) : (1, 1)
    var dots = [[Bool]](
      repeating: Array(repeating: false, count: columns * across), count: height * down)
    let count = min(columns * across, max(values.count, 1))
    for column in 0..<count {
      let range =
        column * values.count
        / count..<max(
          (column + 1) * values.count / count, column * values.count / count + 1)
      let shown = values[range.clamped(to: values.indices)].filter(axis.shows)
      guard let low = shown.min(), let high = shown.max() else { continue }
      func row(_ value: Double) -> Int {
        Int(((1 - axis.place(value)) * Double(height * down - 1)).rounded())
      }
      // A run that is shorter than the plot fills all of it.
      let left = column * columns * across / count
      let right = max((column + 1) * columns * across / count, left + 1)
      for x in left..<right { for y in row(high)...row(low) { dots[y][x] = true } }
    }
    return (0..<height).map { line in
      let label = line == 0 ? labels[0] : line == height - 1 ? labels[1] : ""
      let cells = (0..<columns).map { column in
        isUnicode ? Self.braille(dots, line, column) : dots[line][column] ? "*" : " "
      }
      let edge = isUnicode ? "│" : "|"
      return String(repeating: " ", count: max(margin - label.count, 0)) + label.prefix(margin)
        + " "
        + edge + cells.joined()
    }
  }

  /// The character whose dots are those of one cell.
  private static func braille(_ dots: [[Bool]], _ line: Int, _ column: Int) -> String {
    let bits: [[UInt32]] = [[0x01, 0x08], [0x02, 0x10], [0x04, 0x20], [0x40, 0x80]]
    var pattern: UInt32 = 0x2800
    for y in 0..<4 {
      for x in 0..<2 where dots[4 * line + y][2 * column + x] { pattern |= bits[y][x] }
    }
    return Unicode.Scalar(pattern).map { String(Character($0)) } ?? " "
  }
}
