import LockstepCatalog
import LockstepEngine

/// What a spike is brought to.
public enum ZClipAdjustment: String, Sendable, Equatable, CaseIterable {
  /// μ + Z²σ/z: the larger the spike, the nearer to the mean. (The paper's reciprocal clipping.)
  case reciprocal
  /// μ + Zσ, the largest norm that is no spike.
  case threshold
  /// μ.
  case mean
}

/// Limits the global norm where it stands out from the norms before it.
package struct ZClip: GradientTransform, Equatable {
  package typealias Adjustment = ZClipAdjustment

  /// α, the weight of the past in the averages.
  package let alpha: Double
  /// Z.
  package let threshold: Double
  /// The number of first updates that only start the averages.
  package let warmup: Int
  /// What a spike is brought to.
  package let adjustment: Adjustment
  /// A largest norm that holds always, in the warm-up too; nil for none.
  package let maximum: Double?
  /// ε.
  package let epsilon: Double
  /// Patterns of the names whose tensors' norm is meant; none: all.
  package let scope: [String]

  /// Makes a clip with Z = `threshold`, α = `alpha` and ε = `epsilon`.
  package init(
    alpha: Double = 0.97, threshold: Double = 2.5, warmup: Int = 25,
    adjustment: Adjustment = .reciprocal, maximum: Double? = nil, epsilon: Double = 0,
    scope: [String] = []
  ) {
    self.alpha = alpha
    self.threshold = threshold
    self.warmup = warmup
    self.adjustment = adjustment
    self.maximum = maximum
    self.epsilon = epsilon
    self.scope = scope
  }

  package func validate() throws {
    try HyperparameterRange.decayRate.check("zclip", "alpha", alpha)
    try HyperparameterRange.positive.check("zclip", "threshold", threshold)
    try HyperparameterRange.integer(atLeast: 1).check("zclip", "warmup", Double(warmup))
    if let maximum { try HyperparameterRange.positive.check("zclip", "maximum", maximum) }
    try HyperparameterRange.nonNegative.check("zclip", "epsilon", epsilon)
  }

  package func bind(to context: TransformContext) throws -> any BoundTransform {
    let scope = try ClipScope(scope, of: context.layout, owner: "zclip")
    let history = NormAverages(self)
    let maximum = maximum ?? .infinity
    return BoundScaling(
      context, measure: .update(.two), scope: scope.chosen, history: history
    ) { measurements, factors in
      let value = measurements.norm(.update(.two), of: scope.chosen)
      let limit = min(history.limit(for: value) ?? .infinity, maximum)
      let coefficient = value > limit * (1 + normSlack) ? limit / value : nil
      scope.set(coefficient, in: &factors)
      return scope.clippedNorm(value, coefficient: coefficient, measurements, factors)
    }
  }
}

extension ZClip {
  static let entry = Entry<any GradientTransform>(
    "zClip", "limits the global norm where it is a spike beside the norms before it",
    [
      .with("alpha", .decayRate, 0.97, "the weight of the past in mean and variance"),
      .with("threshold", .positive, 2.5, "the deviations from the mean that make a spike"),
      .with(
        "warmup", .count(from: 1), 25,
        "the steps that mean and variance are first taken from"),
      .with("adjustment", Adjustment.reciprocal, "what a spike is brought to"),
      .with("maximum", .nonNegative, 0, "the largest norm whatever the past; 0 for none"),
      .with("epsilon", .nonNegative, 0, "added to the deviation"), .scope,
    ]
  ) { values in
    let maximum: Double = values["maximum"]
    return ZClip(
      alpha: values["alpha"], threshold: values["threshold"], warmup: values["warmup"],
      adjustment: values["adjustment"], maximum: maximum == 0 ? nil : maximum,
      epsilon: values["epsilon"], scope: values["scope"])
  }
}

extension ZClip.Adjustment: HyperparameterValue {}

/// The running mean and variance of norms.
final class NormAverages: ClipHistory {
  private let rule: ZClip
  /// Mean and variance.
  private let averages = Arena<Double>(count: 2)
  private let counter = Arena<Int64>(count: 1)
  private var pending = 0.0

  init(_ rule: ZClip) { self.rule = rule }

  private var isWarm: Bool { counter.base[0] >= Int64(rule.warmup) }
  private var mean: Double { averages.base[0] }
  private var variance: Double { averages.base[1] }

  var state: [StateEntry] {
    [
      StateEntry("zClip.averages", .doubles(averages.buffer)),
      StateEntry("zClip.count", .integers(counter.buffer)),
    ]
  }

  /// What a norm is to be brought to, nil where it is no spike.
  func limit(for norm: Double) -> Double? {
    pending = norm
    guard isWarm else { return nil }
    let deviation = variance.squareRoot()
    let excess = norm - mean
    guard excess > rule.threshold * (deviation + rule.epsilon) else { return nil }
    let limit =
      switch rule.adjustment {
      case .reciprocal:
        mean + rule.threshold * rule.threshold * deviation * ((deviation + rule.epsilon) / excess)
      case .threshold: mean + rule.threshold * deviation
      case .mean: mean
      }
    pending = limit
    return limit
  }

  func commit() {
    counter.base[0] += 1
    if counter.base[0] <= Int64(rule.warmup) {
      // Mean and population variance so far (Welford 1962).
      let count = Double(counter.base[0])
      let before = pending - mean
      averages.base[0] += before / count
      averages.base[1] += (before * (pending - mean) - variance) / count
    } else {
      averages.base[0] = rule.alpha * mean + (1 - rule.alpha) * pending
      let difference = pending - mean
      averages.base[1] = rule.alpha * variance + (1 - rule.alpha) * (difference * difference)
    }
  }
}

extension GradientTransform where Self == Provided {
  /// Limits the global norm where it stands out from the norms before it.
  ///
  /// With running mean μ and standard deviation σ of the norms, z = (‖u‖ − μ) / (σ + ε); where
  /// z > Z the norm is brought to `Adjustment`'s threshold, and that, not the spike, enters the
  /// averages: μ = αμ + (1 − α)n, σ² = ασ² + (1 − α)(n − μ)² with the new μ. The first `warmup`
  /// updates are recorded only, and the averages start from their mean and population variance.
  /// (Kumar et al. 2025, ZClip. The paper has ε = 0, so that z does not depend on the gradient's
  /// scale; the authors' code has 1e-6.)
  ///
  /// - Parameters:
  ///   - alpha: the decay of the mean and the variance.
  ///   - threshold: the largest z-score.
  ///   - warmup: the number of steps that make the first mean and variance.
  ///   - adjustment: what a larger norm becomes.
  ///   - maximum: the largest norm in any case; nil for none.
  ///   - scope: patterns of the names whose norm is meant; none: all.
  public static func zClip(
    alpha: Double = 0.97, threshold: Double = 2.5, warmup: Int = 25,
    adjustment: ZClipAdjustment = .reciprocal, maximum: Double? = nil, epsilon: Double = 0,
    scope: [String] = []
  ) -> some GradientTransform {
    ZClip(
      alpha: alpha, threshold: threshold, warmup: warmup, adjustment: adjustment, maximum: maximum,
      epsilon: epsilon, scope: scope)
  }
}
