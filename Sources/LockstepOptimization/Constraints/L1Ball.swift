import LockstepCatalog
import LockstepEngine

/// The magnitudes of each unit add up to at most a radius: the nearest such unit.
///
/// w = sign(w) · max(|w| − θ, 0), with θ such that the magnitudes add up to the radius, where they add up
/// to more. Small weights become zero. (Duchi et al. 2008, "Efficient projections onto the ℓ1-ball for
/// learning in high dimensions".)
package struct L1Ball: UnitProjection {
  /// The largest sum of magnitudes, above 0.
  package let radius: Float

  /// Makes a projection onto the ball of a radius.
  package init(radius: Float) { self.radius = radius }

  package func validate(owner: String) throws {
    try HyperparameterRange.positive.check(owner, "radius", Double(radius))
  }

  package func project(_ unit: inout MutableSpan<Float>) {
    let radius = Double(radius)
    var sum = 0.0
    for index in unit.indices { sum += Double(unit[index].magnitude) }
    // Values that are not finite stay, to be found.
    guard sum > radius * (1 + normSlack), sum.isFinite else { return }
    let threshold = threshold(unit.span, sum: sum)
    for index in unit.indices {
      let rest = Double(unit[index].magnitude) - threshold
      unit[index] = rest > 0 ? Float(signOf: unit[index], magnitudeOf: Float(rest)) : 0
    }
  }

  /// θ, as the limit of θ = (Σ|w| − radius) / n over the n values above the θ before, which is met after
  /// finitely many rounds. (Michelot 1986.)
  private func threshold(_ unit: Span<Float>, sum: Double) -> Double {
    var threshold = (sum - Double(radius)) / Double(unit.count)
    while true {
      var (above, count) = (0.0, 0.0)
      for index in unit.indices where Double(unit[index].magnitude) > threshold {
        above += Double(unit[index].magnitude)
        count += 1
      }
      let next = (above - Double(radius)) / count
      guard next > threshold else { return threshold }
      threshold = next
    }
  }
}

extension WeightConstraint {
  /// The magnitudes of each unit add up to at most `radius`.
  public static func l1Ball(_ radius: Float, axes: Axes = .unit) -> Self {
    .init(L1Ball(radius: radius), axes: axes)
  }

  static let l1BallEntry = entry(
    "l1Ball", "the magnitudes of each unit add up to at most radius",
    [.with("radius", .positive, 1, "the largest sum of magnitudes")] + .units
  ) { .l1Ball($0["radius"], axes: try axes($0)) }
}
