import LockstepFiles

/// Numbers over steps as the page carries them: so many points that no pixel of a wide screen lacks its
/// lowest and its highest value, and no more.
package struct PageSeries {
  /// How a line looks.
  enum Style: String {
    case plain
    case faint
    case dashed
    case marked
  }

  let name: String
  let color: Int
  let style: Style
  let points: [(x: Double, y: Double)]
  /// The means of so many points side by side, for a line that wavers; nil for none.
  private let meanWidth: Int?

  /// - Parameter meanWidth: how many points a mean is of; drawn as a line of its own, in front.
  init(
    _ name: String, color: Int, style: Style = .plain, meanWidth: Int? = nil,
    _ points: [(x: Double, y: Double)]
  ) {
    self.name = name
    self.color = color
    self.style = style
    self.meanWidth = meanWidth
    self.points = points
  }

  /// The means, each in the middle of its points.
  private var means: [(x: Double, y: Double)]? {
    guard let meanWidth, meanWidth > 1 else { return nil }
    return stride(from: 0, to: points.count, by: meanWidth).map { start in
      let part = points[start..<min(start + meanWidth, points.count)]
      let count = Double(part.count)
      return (part.reduce(0) { $0 + $1.x } / count, part.reduce(0) { $0 + $1.y } / count)
    }
  }

  /// What the page's script reads.
  ///
  /// - Parameter columns: the range is cut into so many columns of equally many points; of each the
  ///   first, the lowest, the highest and the last stay.
  func json(columns: Int) -> JSONValue {
    let finite = points.filter { $0.y.isFinite }
    let kept = Self.thinned(finite, columns: columns)
    var object: JSONObject = [
      "name": .string(name), "color": .integer(color),
      "x": .array(kept.map { Self.short($0.x) }), "y": .array(kept.map { Self.short($0.y) }),
    ]
    if style != .plain { object[style.rawValue] = true }
    if let means {
      object["means"] = [
        "x": .array(means.map { Self.short($0.x) }), "y": .array(means.map { Self.short($0.y) }),
      ]
    }
    let bad = points.filter { !$0.y.isFinite }.map(\.x)
    if !bad.isEmpty {
      let every = (bad.count - 1) / columns + 1
      object["bad"] = .array(stride(from: 0, to: bad.count, by: every).map { Self.short(bad[$0]) })
    }
    return .object(object)
  }

  /// The first, the lowest, the highest and the last point of each column, in order.
  package static func thinned(
    _ points: [(x: Double, y: Double)], columns: Int
  ) -> [(x: Double, y: Double)] {
    guard points.count > 4 * columns else { return points }
    var kept: [(x: Double, y: Double)] = []
    for column in 0..<columns {
      let range = column * points.count / columns..<(column + 1) * points.count / columns
      let low = range.min { points[$0].y < points[$1].y } ?? range.lowerBound
      let high = range.max { points[$0].y < points[$1].y } ?? range.lowerBound
      for index in Set([range.lowerBound, low, high, range.upperBound - 1]).sorted() {
        kept.append(points[index])
      }
    }
    return kept
  }

  /// A number with as many digits as a picture shows.
  static func short(_ value: Double) -> JSONValue {
    guard value.isFinite else { return .null }
    if let whole = Int(exactly: value) { return .integer(whole) }
    return .number(Double(readable(value, digits: 5)) ?? value)
  }
}
