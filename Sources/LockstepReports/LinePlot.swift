import LockstepFiles

/// A plot of lines over one axis, as SVG.
///
/// Nothing is left out silently: a point that is not finite, or not positive on a logarithmic axis,
/// is marked at the edge where it would be, and the legend says so. The legend stands below the
/// frame, so that it covers no curve.
public struct LinePlot: Sendable {
  /// One line.
  public struct Series: Sendable {
    /// How the points are shown.
    public enum Style: Sendable {
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
    public let name: String
    /// The points, in order.
    public let points: [(x: Double, y: Double)]
    /// How the points are drawn.
    public let style: Style
    /// The number of the color; nil for that of the series.
    public let color: Int?

    /// A series of these points.
    public init(
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
  public var title: String
  /// What the x axis shows.
  public var xLabel: String
  /// What the y axis shows.
  public var yLabel: String
  /// Whether the y axis is logarithmic. Where no value is positive, it is linear all the same.
  public var isLogarithmic: Bool
  /// Whether the x axis is logarithmic.
  public var isLogarithmicX: Bool
  /// Names of the places 0, 1, 2, … of the x axis; nil where x is a number.
  public var categories: [String]?
  /// What is drawn, one over the other.
  public var series: [Series]
  /// Horizontal lines, with a name each.
  public var levels: [(name: String, y: Double)] = []

  /// A plot of these series, without levels.
  public init(
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

  /// The plot as an SVG document.
  public var svg: String { PlotDrawing(self).svg }
}
