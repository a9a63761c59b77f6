import LockstepFiles

extension LinePlot {
  /// The plot as an SVG document.
  package var svg: String { PlotDrawing(self).svg }
}

/// A ``LinePlot`` on paper: where its parts go, and their SVG.
struct PlotDrawing {
  static let colors = [
    "#2563a8", "#c8501e", "#2f8f4e", "#7a4fa3", "#8a6d1d", "#b0306a", "#1d8a8a", "#5b5b5b",
  ]
  private static let (width, innerHeight) = (720.0, 310.0)
  private static let (left, right, top) = (76.0, 20.0, 40.0)

  /// A point that has no place inside the frame, and the edge that it is marked at.
  enum Edge: Hashable {
    /// Not finite, or infinite.
    case top
    /// Zero or less on a logarithmic axis, or minus infinity.
    case bottom
  }

  private let plot: LinePlot
  private let horizontal: PlotAxis
  private let vertical: PlotAxis
  private let ticks: [PlotAxis.Tick]
  /// Whether labels below the axis are long and stand at a slant.
  private let isSlanted: Bool
  /// How many marks stand at each place of an edge: they are stacked, so that none hides another.
  private var edges: [Edge: [Double: Int]] = [:]
  private var out = ""

  init(_ plot: LinePlot) {
    self.plot = plot
    let points = plot.series.flatMap(\.points)
    let ys = points.map(\.y) + plot.levels.map(\.y)
    let logarithmic = plot.isLogarithmic && ys.contains { $0.isFinite && $0 > 0 }
    vertical = PlotAxis(ys, logarithmic: logarithmic)
    horizontal =
      plot.categories.map { PlotAxis(categories: $0) }
      ?? PlotAxis(
        points.map(\.x), logarithmic: plot.isLogarithmicX && points.allSatisfy { $0.x > 0 })
    ticks = horizontal.ticks
    let room = (Self.width - Self.left - Self.right) / Double(max(ticks.count, 1))
    isSlanted = ticks.contains { Self.length($0.label) > room - 6 }
  }

  // MARK: Places

  private var innerWidth: Double { Self.width - Self.left - Self.right }
  private var bottom: Double { Self.top + Self.innerHeight }

  private func x(_ value: Double) -> Double { Self.left + horizontal.place(value) * innerWidth }
  private func y(_ value: Double) -> Double {
    Self.top + (1 - vertical.place(value)) * Self.innerHeight
  }

  /// About how long a text is.
  private static func length(_ text: String) -> Double { 6.6 * Double(text.count) }

  // MARK: Drawing

  /// The SVG document.
  var svg: String {
    var drawing = self
    drawing.grid()
    drawing.levels()
    for (index, series) in plot.series.enumerated() {
      drawing.series(series, Self.colors[(series.color ?? index) % Self.colors.count])
    }
    drawing.frame()
    let height = drawing.legend(from: bottom + (isSlanted ? 104 : 52))
    return """
      <svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 \(short(Self.width)) \(short(height))" \
      font-family="sans-serif" font-size="12">
      <rect width="100%" height="100%" fill="white"/>
      <text x="\(short(Self.width / 2))" y="22" text-anchor="middle" font-size="15">\
      \(escaped(plot.title))</text>
      \(drawing.out)</svg>

      """
  }

  private mutating func add(_ line: String) { out += line + "\n" }

  private mutating func grid() {
    for tick in ticks {
      let place = short(x(tick.value))
      add(
        """
        <line x1="\(place)" y1="\(short(Self.top))" x2="\(place)" y2="\(short(bottom))" \
        stroke="#e4e4e4"/>
        """)
      add(
        isSlanted
          ? """
          <text x="\(place)" y="\(short(bottom + 14))" text-anchor="end" \
          transform="rotate(-35 \(place) \(short(bottom + 14)))">\(escaped(tick.label))</text>
          """
          : """
          <text x="\(place)" y="\(short(bottom + 16))" text-anchor="middle">\(escaped(tick.label))</text>
          """)
    }
    for tick in vertical.ticks {
      let place = y(tick.value)
      add(
        """
        <line x1="\(short(Self.left))" y1="\(short(place))" x2="\(short(Self.width - Self.right))" \
        y2="\(short(place))" stroke="#e4e4e4"/>
        """)
      add(
        """
        <text x="\(short(Self.left - 6))" y="\(short(place + 4))" text-anchor="end">\
        \(escaped(tick.label))</text>
        """)
    }
  }

  private mutating func levels() {
    for level in plot.levels where vertical.shows(level.y) {
      add(
        """
        <line x1="\(short(Self.left))" y1="\(short(y(level.y)))" \
        x2="\(short(Self.width - Self.right))" y2="\(short(y(level.y)))" stroke="#444" \
        stroke-dasharray="2 3"/>
        """)
    }
  }

  /// The line in pieces, cut where a point has no place; points alone and those at the edges marked.
  private mutating func series(_ series: LinePlot.Series, _ color: String) {
    var pieces: [[(x: Double, y: Double)]] = [[]]
    var marks: [(x: Double, edge: Edge)] = []
    var marked: [Edge: Set<Double>] = [:]
    for point in series.points where horizontal.shows(point.x) {
      if vertical.shows(point.y) {
        pieces[pieces.count - 1].append((x(point.x), y(point.y)))
      } else {
        let isLow = point.y == -.infinity || point.y.isFinite
        let mark = (x: (x(point.x) * 2).rounded() / 2, edge: isLow ? Edge.bottom : .top)
        // One mark is enough where many points fall on one place.
        if marked[mark.edge, default: []].insert(mark.x).inserted { marks.append(mark) }
        if pieces.last?.isEmpty == false { pieces.append([]) }
      }
    }
    let dashes = series.isDashed ? " stroke-dasharray=\"6 4\"" : ""
    for piece in pieces.map(thinned) where !piece.isEmpty {
      if piece.count > 1 {
        let path = piece.map { "\(short($0.x)),\(short($0.y))" }.joined(separator: " ")
        add(
          """
          <polyline points="\(path)" fill="none" stroke="\(color)" stroke-width="1.5"\(dashes)/>
          """)
      }
      if series.isMarked || piece.count == 1 {
        for point in piece {
          add(
            "<circle cx=\"\(short(point.x))\" cy=\"\(short(point.y))\" r=\"3\" fill=\"\(color)\"/>")
        }
      }
    }
    for mark in marks {
      let depth = 7 + 11 * Double(edges[mark.edge]?[mark.x] ?? 0)
      edges[mark.edge, default: [:]][mark.x, default: 0] += 1
      add(
        Self.mark(mark.edge, mark.x, mark.edge == .top ? Self.top + depth : bottom - depth, color))
    }
  }

  /// At most the first, lowest, highest and last point of each column of the picture.
  private func thinned(_ points: [(x: Double, y: Double)]) -> [(x: Double, y: Double)] {
    guard points.count > 4 * Int(innerWidth) else { return points }
    var kept: [(x: Double, y: Double)] = []
    var start = 0
    while start < points.count {
      var end = start
      var (low, high) = (start, start)
      while end < points.count, Int(points[end].x) == Int(points[start].x) {
        if points[end].y < points[low].y { low = end }
        if points[end].y > points[high].y { high = end }
        end += 1
      }
      for index in Set([start, low, high, end - 1]).sorted() { kept.append(points[index]) }
      start = end
    }
    return kept
  }

  /// A cross for what is not finite, a triangle that points below the axis.
  private static func mark(_ edge: Edge, _ x: Double, _ y: Double, _ color: String) -> String {
    let (left, right, up, down) = (short(x - 4), short(x + 4), short(y - 4), short(y + 4))
    return edge == .top
      ? """
      <path d="M\(left) \(up)L\(right) \(down)M\(left) \(down)L\(right) \(up)" stroke="\(color)" \
      stroke-width="2" fill="none"/>
      """
      : """
      <path d="M\(left) \(up)L\(right) \(up)L\(short(x)) \(down)Z" fill="\(color)"/>
      """
  }

  private mutating func frame() {
    add(
      """
      <rect x="\(short(Self.left))" y="\(short(Self.top))" width="\(short(innerWidth))" \
      height="\(short(Self.innerHeight))" fill="none" stroke="#888"/>
      """)
    add(
      """
      <text x="\(short(Self.left + innerWidth / 2))" y="\(short(bottom + (isSlanted ? 90 : 36)))" \
      text-anchor="middle">\(escaped(plot.xLabel))</text>
      """)
    let middle = short(Self.top + Self.innerHeight / 2)
    add(
      """
      <text x="16" y="\(middle)" text-anchor="middle" transform="rotate(-90 16 \(middle))">\
      \(escaped(plot.yLabel))</text>
      """)
  }

  // MARK: The legend

  /// Draws the legend below the frame, row by row; returns the height of the picture.
  private mutating func legend(from start: Double) -> Double {
    typealias Sample = (_ x: Double, _ y: Double) -> String
    var entries: [(name: String, sample: Sample)] = []
    for (index, series) in plot.series.enumerated() where !series.name.isEmpty {
      let color = Self.colors[(series.color ?? index) % Self.colors.count]
      let dashes = series.isDashed ? " stroke-dasharray=\"5 3\"" : ""
      entries.append(
        (
          series.name,
          { x, y in
            """
            <line x1="\(short(x))" y1="\(short(y))" x2="\(short(x + 20))" y2="\(short(y))" \
            stroke="\(color)" stroke-width="2"\(dashes)/>
            """
          }
        ))
    }
    for level in plot.levels {
      entries.append(
        (
          level.name,
          { x, y in
            """
            <line x1="\(short(x))" y1="\(short(y))" x2="\(short(x + 20))" y2="\(short(y))" \
            stroke="#444" stroke-dasharray="2 3"/>
            """
          }
        ))
    }
    for (edge, name) in [
      (Edge.top, "not finite, or diverged"), (.bottom, "zero or less: below this axis"),
    ] where edges[edge] != nil {
      entries.append((name, { x, y in Self.mark(edge, x + 10, y, "#444") }))
    }
    var (x, y) = (Self.left, start)
    for (name, sample) in entries {
      let length = 26 + Self.length(name) + 18
      if x > Self.left, x + length > Self.width { (x, y) = (Self.left, y + 18) }
      add(sample(x, y))
      add("<text x=\"\(short(x + 26))\" y=\"\(short(y + 4))\">\(escaped(name))</text>")
      x += length
    }
    return y + (entries.isEmpty ? 0 : 16)
  }
}

/// Two decimals are finer than a screen.
private func short(_ value: Double) -> String {
  let rounded = (value * 100).rounded() / 100
  return Int(exactly: rounded).map { "\($0)" } ?? "\(rounded)"
}

/// A text inside of XML: its signs escaped, characters that XML cannot hold left out.
private func escaped(_ text: String) -> String {
  text.unicodeScalars.reduce(into: "") { result, scalar in
    switch scalar {
    case "&": result += "&amp;"
    case "<": result += "&lt;"
    case ">": result += "&gt;"
    case "\"": result += "&quot;"
    case "\u{20}"..., "\t":
      if scalar.value != 0xFFFE && scalar.value != 0xFFFF && !(0x7F...0x9F).contains(scalar.value) {
        result.unicodeScalars.append(scalar)
      }
    default: break
    }
  }
}
