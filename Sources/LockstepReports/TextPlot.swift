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

  /// A line of the plot: the axis on the left, with a value at both ends of it, and what is drawn beside it.
  package struct Line: Sendable, Equatable {
    /// The value, or spaces.
    package var label: String
    /// The axis.
    package var edge: String
    /// What is drawn.
    package var dots: String
    /// All of it.
    package var text: String { label + " " + edge + dots }
  }

  /// The lines from the top.
  package func lines(width: Int, height: Int) -> [Line] {
    let axis = PlotAxis(values, logarithmic: isLogarithmic)
    let labels = [readable(axis.high, digits: 2), readable(axis.low, digits: 2)]
    let margin = min(max(labels.map(\.count).max() ?? 0, 4), 10)
    let columns = width - margin - 2
    guard columns >= 4, height >= 1, !values.isEmpty else { return [] }
    let (across, down) = isUnicode ? (2, 4) : (1, 1)
    var dots = [[Bool]](
      repeating: Array(repeating: false, count: columns * across), count: height * down)
    let spans = Self.joined(spans(columns * across, rows: height * down, axis))
    for (x, span) in spans.enumerated() {
      for y in span.map(Array.init) ?? [] { dots[y][x] = true }
    }
    return (0..<height).map { line in
      let label = line == 0 ? labels[0] : line == height - 1 ? labels[1] : ""
      let cells = (0..<columns).map { column in
        isUnicode ? Self.braille(dots, line, column) : dots[line][column] ? "*" : " "
      }
      return Line(
        label: String(repeating: " ", count: max(margin - label.count, 0)) + label.prefix(margin),
        edge: isUnicode ? "│" : "|", dots: cells.joined())
    }
  }

  /// The dots of each column, counted from the top: from the highest to the lowest of the values that it stands
  /// for. Where there are fewer values than columns, straight lines lead from one to the next.
  private func spans(_ columns: Int, rows: Int, _ axis: PlotAxis) -> [ClosedRange<Int>?] {
    let places = values.map { value in
      axis.shows(value) ? (1 - axis.place(value)) * Double(rows - 1) : nil
    }
    let count = places.count
    return (0..<columns).map { column in
      let shown: [Double]
      if count >= columns {
        shown = places[column * count / columns..<(column + 1) * count / columns].compactMap(\.self)
      } else {
        let place = Double(column) * Double(count - 1) / Double(max(columns - 1, 1))
        let (left, part) = (Int(place), place - place.rounded(.down))
        let right = min(left + 1, count - 1)
        if let from = places[left], let to = places[right] {
          shown = [from + part * (to - from)]
        } else {
          shown = [places[part < 0.5 ? left : right]].compactMap(\.self)
        }
      }
      guard let top = shown.min(), let bottom = shown.max() else { return nil }
      return Int(top.rounded())...Int(bottom.rounded())
    }
  }

  /// Columns of which each reaches to the one before it.
  private static func joined(_ spans: [ClosedRange<Int>?]) -> [ClosedRange<Int>?] {
    spans.indices.map { x in
      guard x > 0, let span = spans[x], let before = spans[x - 1] else { return spans[x] }
      return min(
        span.lowerBound, before.upperBound + 1)...max(
          span.upperBound, before.lowerBound - 1)
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
