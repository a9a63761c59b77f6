import LockstepFiles

/// What a learning-rate range test found: losses while the rate grows step by step.
///
/// Source: L. Smith, "Cyclical learning rates for training neural networks", 2017.
package struct RateSuggestion: Sendable {
  /// A step of the test.
  package struct Point: Sendable, Equatable {
    /// The learning rate of the step.
    package let rate: Double
    /// The loss before the step.
    package let loss: Double
    /// The exponential mean of the losses up to this one.
    package let smoothed: Double
  }

  /// The steps, in order.
  package private(set) var points: [Point] = []
  /// β of the mean m ← β m + (1 − β) loss, which is divided by 1 − βⁿ.
  private let smoothing: Double
  private var mean = 0.0
  private var power = 1.0

  /// How much larger than the smallest a smoothed loss is where the test ends.
  private static let divergence = 4.0
  /// The least number of steps that say something.
  private static let fewest = 8

  /// - Parameter smoothing: β, in 0..<1.
  package init(smoothing: Double = 0.9) { self.smoothing = smoothing }

  /// Takes a step's rate and loss; a loss that is not finite is none.
  package mutating func add(rate: Double, loss: Double) {
    guard loss.isFinite else { return }
    mean = smoothing * mean + (1 - smoothing) * loss
    power *= smoothing
    points.append(Point(rate: rate, loss: loss, smoothed: mean / (1 - power)))
  }

  /// Whether the loss has grown so much that larger rates tell nothing.
  package var hasDiverged: Bool {
    guard points.count >= Self.fewest, let last = points.last, let best = lowest else {
      return false
    }
    let first = points[0].smoothed
    return last.smoothed > best.smoothed + (Self.divergence - 1)
      * max(best.smoothed.magnitude, (first - best.smoothed) / Self.divergence)
  }

  /// The step with the lowest smoothed loss.
  package var lowest: Point? { points.min { $0.smoothed < $1.smoothed } }

  /// The rate at which the smoothed loss falls fastest over the rate's logarithm, between where it has left its
  /// level at the start and where it is lowest; nil where it does not fall further than chance moves it, or there
  /// are too few steps.
  package var steepest: Double? {
    guard points.count >= Self.fewest, let lowest,
      let end = points.firstIndex(of: lowest), end >= 2
    else { return nil }
    // So many losses are one mean.
    let span = min(Int((1 / (1 - smoothing)).rounded(.up)), points.count / 4)
    let first = points.prefix(max(2 * span, points.count / 5)).map(\.loss)
    let start = first.reduce(0, +) / Double(first.count)
    let fall = start - lowest.smoothed
    guard fall > 5 * noise else { return nil }
    // Rates grow by one factor, so that steps are as far apart on the logarithm's axis.
    let slopes = (max(span, 1)..<max(span, 1, end)).filter {
      points[$0].smoothed <= start - max(0.1 * fall, 3 * noise)
    }.map {
      ($0, points[min($0 + 2, end)].smoothed - points[max($0 - 2, 0)].smoothed)
    }
    guard let best = slopes.min(by: { $0.1 < $1.1 }), best.1 < 0 else { return nil }
    return points[best.0].rate
  }

  /// How far chance moves a smoothed loss: the deviation of losses from their running mean, over the square root
  /// of the number of losses that the mean is of.
  private var noise: Double {
    let squares = points.map { ($0.loss - $0.smoothed) * ($0.loss - $0.smoothed) }.sorted()
    // The median, which steps that diverge do not move; 1.48 makes a deviation of it where chance is normal.
    return 1.48 * (squares[squares.count / 2] * (1 - smoothing) / (1 + smoothing)).squareRoot()
  }

  /// A good rate to start with: where the loss falls fastest, and at most a tenth of the rate at which it is
  /// lowest, beyond which it grows soon.
  package var suggested: Double? {
    guard let steepest, let lowest else { return nil }
    return min(steepest, lowest.rate / 10)
  }

  /// The losses over the rates.
  package func plot(title: String) -> LinePlot {
    var plot = LinePlot(
      title: title, xLabel: "learning rate", yLabel: "loss", logarithmicX: true,
      [
        .init("loss", points.map { ($0.rate, $0.loss) }, style: .dashed),
        .init("smoothed", points.map { ($0.rate, $0.smoothed) }),
      ])
    if let suggested, let point = points.first(where: { $0.rate >= suggested }) {
      plot.series.append(
        .init(
          "suggested: \(readable(suggested, digits: 2))", [(point.rate, point.smoothed)],
          style: .marked))
    }
    return plot
  }
}
