#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#endif

/// A plot of lines over one axis, as SVG.
public struct LinePlot: Sendable {
  /// One line.
  public struct Series: Sendable {
    /// The name in the legend.
    public let name: String
    /// The points, in order; points that are not finite, or not positive on a logarithmic axis, are
    /// left out.
    public let points: [(x: Double, y: Double)]
    /// Whether only the points are shown.
    public let isScatter: Bool

    public init(_ name: String, _ points: [(x: Double, y: Double)], scatter: Bool = false) {
      self.name = name
      self.points = points
      isScatter = scatter
    }
  }

  public var title: String
  public var xLabel: String
  public var yLabel: String
  /// Whether the y axis is logarithmic.
  public var isLogarithmic: Bool
  /// Whether the x axis is logarithmic.
  public var isLogarithmicX: Bool
  public var series: [Series]
  /// Horizontal lines, with a name each.
  public var levels: [(name: String, y: Double)] = []

  public init(
    title: String, xLabel: String, yLabel: String, logarithmic: Bool = false,
    logarithmicX: Bool = false, _ series: [Series]
  ) {
    self.title = title
    self.xLabel = xLabel
    self.yLabel = yLabel
    isLogarithmic = logarithmic
    isLogarithmicX = logarithmicX
    self.series = series
  }

  private static let colors = ["#2563a8", "#c8501e", "#2f8f4e", "#7a4fa3", "#8a6d1d", "#b0306a"]
  private static let (width, height) = (720.0, 400.0)
  private static let (left, right, top, bottom) = (70.0, 20.0, 40.0, 50.0)

  /// The plot as an SVG document.
  public var svg: String {
    let shown = series.map { line in
      line.points.filter { point in
        point.x.isFinite && point.y.isFinite && (!isLogarithmic || point.y > 0)
          && (!isLogarithmicX || point.x > 0)
      }.thinned(to: 2000)
    }
    let xs = shown.joined().map(\.x)
    let ys = shown.joined().map(\.y) + levels.map(\.y)
    let horizontal = Axis(xs, logarithmic: isLogarithmicX)
    let vertical = Axis(ys, logarithmic: isLogarithmic)
    let innerWidth = Self.width - Self.left - Self.right
    let innerHeight = Self.height - Self.top - Self.bottom
    func x(_ value: Double) -> Double { Self.left + horizontal.place(value) * innerWidth }
    func y(_ value: Double) -> Double { Self.top + (1 - vertical.place(value)) * innerHeight }

    var out = """
      <svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 \(short(Self.width)) \
      \(short(Self.height))" font-family="sans-serif" font-size="12">
      <rect width="100%" height="100%" fill="white"/>
      <text x="\(short(Self.width / 2))" y="22" text-anchor="middle" font-size="15">\
      \(escaped(title))</text>

      """
    for tick in horizontal.ticks {
      out += """
        <line x1="\(short(x(tick)))" y1="\(short(Self.top))" x2="\(short(x(tick)))" \
        y2="\(short(Self.height - Self.bottom))" stroke="#e4e4e4"/>
        <text x="\(short(x(tick)))" y="\(short(Self.height - Self.bottom + 16))" \
        text-anchor="middle">\(label(tick))</text>

        """
    }
    for tick in vertical.ticks {
      out += """
        <line x1="\(short(Self.left))" y1="\(short(y(tick)))" x2="\(short(Self.width - Self.right))" \
        y2="\(short(y(tick)))" stroke="#e4e4e4"/>
        <text x="\(short(Self.left - 6))" y="\(short(y(tick) + 4))" text-anchor="end">\
        \(label(tick))</text>

        """
    }
    for level in levels {
      out += """
        <line x1="\(short(Self.left))" y1="\(short(y(level.y)))" \
        x2="\(short(Self.width - Self.right))" y2="\(short(y(level.y)))" stroke="#444" \
        stroke-dasharray="6 4"/>
        <text x="\(short(Self.width - Self.right - 4))" y="\(short(y(level.y) - 4))" \
        text-anchor="end">\(escaped(level.name))</text>

        """
    }
    for (index, points) in shown.enumerated() {
      let color = Self.colors[index % Self.colors.count]
      if series[index].isScatter || points.count == 1 {
        for point in points {
          out += """
            <circle cx="\(short(x(point.x)))" cy="\(short(y(point.y)))" r="2.5" fill="\(color)"/>

            """
        }
      } else {
        let path = points.map { "\(short(x($0.x))),\(short(y($0.y)))" }.joined(separator: " ")
        out += """
          <polyline points="\(path)" fill="none" stroke="\(color)" stroke-width="1.5"/>

          """
      }
      out += """
        <rect x="\(short(Self.left + 10))" y="\(short(Self.top + 8 + 18 * Double(index)))" width="14" \
        height="4" fill="\(color)"/>
        <text x="\(short(Self.left + 30))" y="\(short(Self.top + 14 + 18 * Double(index)))">\
        \(escaped(series[index].name))</text>

        """
    }
    out += """
      <rect x="\(short(Self.left))" y="\(short(Self.top))" width="\(short(innerWidth))" \
      height="\(short(innerHeight))" fill="none" stroke="#888"/>
      <text x="\(short(Self.left + innerWidth / 2))" y="\(short(Self.height - 12))" \
      text-anchor="middle">\(escaped(xLabel))</text>
      <text x="16" y="\(short(Self.top + innerHeight / 2))" text-anchor="middle" \
      transform="rotate(-90 16 \(short(Self.top + innerHeight / 2)))">\(escaped(yLabel))</text>
      </svg>

      """
    return out
  }

  /// Two decimals are finer than a screen.
  private func short(_ value: Double) -> String {
    let rounded = (value * 100).rounded() / 100
    return Int(exactly: rounded).map { "\($0)" } ?? "\(rounded)"
  }

  private func label(_ value: Double) -> String {
    Int(exactly: value).map { "\($0)" } ?? "\((value * 1e9).rounded() / 1e9)"
  }

  private func escaped(_ text: String) -> String {
    text.reduce(into: "") { result, character in
      switch character {
      case "&": result += "&amp;"
      case "<": result += "&lt;"
      case ">": result += "&gt;"
      default: result.append(character)
      }
    }
  }
}
