import LockstepFiles

/// A plot of lines over one axis, as SVG.
///
/// Nothing is left out silently: a point that is not finite, or not positive on a logarithmic axis,
/// is marked at the edge where it would be, and the legend says so. The legend stands below the
/// frame, so that it covers no curve.
package struct LinePlot: Sendable {
  /// One line.
  package struct Series: Sendable {
    /// How the points are shown.
    package enum Style: Sendable {
      /// A line alone.
      case line
      /// A dashed line alone.
      case dashed
      /// A line with its points marked.
      case marked
      /// A dashed line with its points marked.
      case dashedMarked
    }

    /// The name in the legend; empty for none.
    package let name: String
    /// The points, in order.
    package let points: [(x: Double, y: Double)]
    /// How the points are drawn.
    package let style: Style
    /// The number of the color; nil for that of the series.
    package let color: Int?

    /// A series of these points.
    package init(
      _ name: String, _ points: [(x: Double, y: Double)], style: Style = .line, color: Int? = nil
    ) {
      self.name = name
      self.points = points
      self.style = style
      self.color = color
    }

    var isDashed: Bool { style == .dashed || style == .dashedMarked }
    var isMarked: Bool { style == .marked || style == .dashedMarked }
  }

  /// The line above the frame.
  package var title: String
  /// What the x axis shows.
  package var xLabel: String
  /// What the y axis shows.
  package var yLabel: String
  /// Whether the y axis is logarithmic. Where no value is positive, it is linear all the same.
  package var isLogarithmic: Bool
  /// Whether the x axis is logarithmic.
  package var isLogarithmicX: Bool
  /// Names of the places 0, 1, 2, … of the x axis; nil where x is a number.
  package var categories: [String]?
  /// What is drawn, one over the other.
  package var series: [Series]
  /// Horizontal lines, with a name each.
  package var levels: [(name: String, y: Double)] = []

  /// A plot of these series, without levels.
  package init(
    title: String, xLabel: String, yLabel: String, logarithmic: Bool = false,
    logarithmicX: Bool = false, categories: [String]? = nil, _ series: [Series]
  ) {
    self.title = title
    self.xLabel = xLabel
    self.yLabel = yLabel
    isLogarithmic = logarithmic
    isLogarithmicX = logarithmicX
    self.categories = categories
    self.series = series
  }
}
