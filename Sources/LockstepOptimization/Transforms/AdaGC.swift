import LockstepCatalog
import LockstepEngine

/// Limits each tensor's norm to a multiple of the running mean of its own clipped norms.
package struct AdaGC: GradientTransform, Equatable {
  /// λ_rel, the largest norm as a multiple of the mean.
  package let relative: Double
  /// β, the weight of the past in the mean.
  package let beta: Double
  /// The number of first updates, which are clipped by the global norm.
  package let warmup: Int
  /// λ_abs, the largest global norm in these.
  package let absolute: Double
  /// Patterns of the names it is for; none: all.
  package let scope: [String]

  /// Makes a clip with these numbers; the defaults are the paper's.
  package init(
    relative: Double = 1.05, beta: Double = 0.98, warmup: Int = 100, absolute: Double = 1,
    scope: [String] = []
  ) {
    self.relative = relative
    self.beta = beta
    self.warmup = warmup
    self.absolute = absolute
    self.scope = scope
  }

  package func validate() throws {
    try HyperparameterRange.positive.check("adagc", "relative", relative)
    try HyperparameterRange.decayRate.check("adagc", "beta", beta)
    try HyperparameterRange.integer(atLeast: 1).check("adagc", "warmup", Double(warmup))
    try HyperparameterRange.positive.check("adagc", "absolute", absolute)
  }

  package func bind(to context: TransformContext) throws -> any BoundTransform {
    let scope = try ClipScope(scope, of: context.layout, owner: "adagc")
    let history = TensorNorms(self, count: context.layout.slots.count)
    return BoundScaling(
      context, measure: .update(.two), scope: scope.chosen, history: history
    ) { measurements, factors in
      let norm = measurements.norm(.update(.two), of: scope.chosen)
      var anyClipped = false
      for slot in factors.indices {
        factors[slot] = nil
        guard scope.chosen[slot] else { continue }
        let own = measurements.norm(.update(.two), slot: slot)
        factors[slot] = history.factor(slot: slot, norm: own, global: norm)
        if factors[slot] != nil { anyClipped = true }
      }
      return anyClipped
        ? measurements.norm(scaledBy: factors) : measurements.norm(.update(.two))
    }
  }
}

extension AdaGC {
  static let entry = Entry<any GradientTransform>(
    "adaGC", "limits every tensor's norm to a multiple of the mean of its own earlier ones",
    [
      .with("relative", .positive, 1.05, "the largest norm as a multiple of the mean"),
      .with("beta", .decayRate, 0.98, "the weight of the past in the mean"),
      .with(
        "warmup", .count(from: 1), 100,
        "the first steps, clipped by the global norm, whose least norms the means start from"),
      .with("absolute", .positive, 1, "the largest global norm in the first steps"), .scope,
    ]
  ) { values in
    AdaGC(
      relative: values["relative"], beta: values["beta"], warmup: values["warmup"],
      absolute: values["absolute"], scope: values["scope"])
  }
}

/// The running means of each tensor's clipped norms.
private final class TensorNorms: ClipHistory {
  private let rule: AdaGC
  /// γ of each tensor.
  private let means: Arena<Double>
  private let counter = Arena<Int64>(count: 1)
  private var pending: [Double]

  init(_ rule: AdaGC, count: Int) {
    self.rule = rule
    means = Arena(count: count)
    pending = Array(repeating: 0, count: count)
  }

  private var isWarm: Bool { counter.base[0] >= Int64(rule.warmup) }

  var state: [StateEntry] {
    [
      StateEntry("adaGC.means", .doubles(means.buffer)),
      StateEntry("adaGC.count", .integers(counter.buffer)),
    ]
  }

  /// What a tensor is multiplied by, nil for nothing.
  func factor(slot: Int, norm: Double, global: Double) -> Double? {
    let (value, limit) =
      isWarm ? (norm, rule.relative * means.base[slot]) : (global, rule.absolute)
    // A tensor whose gradients were all zero has no norms to be held to.
    let clips = value > limit * (1 + normSlack) && limit > 0
    let clipped = clips ? norm * (limit / value) : norm
    if isWarm {
      pending[slot] =
        limit > 0 ? rule.beta * means.base[slot] + (1 - rule.beta) * clipped : clipped
    } else {
      pending[slot] = counter.base[0] == 0 ? clipped : min(means.base[slot], clipped)
    }
    return clips ? limit / value : nil
  }

  func commit() {
    counter.base[0] += 1
    for slot in pending.indices { means.base[slot] = pending[slot] }
  }
}

extension GradientTransform where Self == Provided {
  /// Limits each tensor's norm to a multiple of the running mean of its own clipped norms.
  ///
  /// gᵢ = gᵢ · λγᵢ / ‖gᵢ‖ where ‖gᵢ‖ > λγᵢ, and γᵢ = βγᵢ + (1 − β)‖gᵢ‖ of what that made. In the first
  /// `warmup` updates the global norm is limited to `absolute` instead, and γᵢ is the least norm so far.
  /// Tensors out of scope pass, and do not count. (Wang et al. 2025, AdaGC.)
  ///
  /// - Parameters:
  ///   - relative: λ.
  ///   - beta: β.
  ///   - warmup: the number of first updates.
  ///   - absolute: the largest global norm in these.
  ///   - scope: patterns of the names it is for; none: all.
  public static func adaGC(
    relative: Double = 1.05, beta: Double = 0.98, warmup: Int = 100, absolute: Double = 1,
    scope: [String] = []
  ) -> some GradientTransform {
    AdaGC(relative: relative, beta: beta, warmup: warmup, absolute: absolute, scope: scope)
  }
}
