import LockstepEngine

/// What a constraint on norms does to a unit of a given norm.
struct NormProjection {
  private let kind: WeightConstraint.Kind
  private let mode: WeightConstraint.Mode

  init(_ constraint: WeightConstraint) {
    kind = constraint.kind
    mode = constraint.mode
  }

  /// The factor that brings a unit into its set, nil where it keeps its bits.
  ///
  /// Strict: a unit whose norm is within 2⁻²² of its range is inside, and a unit of zeros, which
  /// has no direction, stays. Keras: w · desired / (1e-7 + ‖w‖) always.
  func factor(norm: Double) -> Double? {
    let desired: Double
    switch kind {
    case .maxNorm(let limit), .ball(let limit):
      desired = min(norm, Double(limit))
    case .unitNorm:
      desired = 1
    case .minMaxNorm(let minimum, let maximum, let rate):
      let inside = max(Double(minimum), min(norm, Double(maximum)))
      desired = Double(rate) * inside + (1 - Double(rate)) * norm
      if mode == .strict, (norm - inside).magnitude <= inside * normSlack { return nil }
    case .nonNegative, .valueBox, .spectralNorm:
      return nil
    }
    switch mode {
    case .keras: return desired / (1e-7 + norm)
    case .strict:
      if norm == 0 || (norm - desired).magnitude <= desired * normSlack { return nil }
      return desired / norm
    }
  }
}

/// Throws where a constraint cannot be meant.
func validate(_ constraint: WeightConstraint, owner: String) throws {
  typealias R = HyperparameterRange
  try R.integer(atLeast: 1).check(owner, "every", Double(constraint.interval))
  switch constraint.kind {
  case .spectralNorm(let limit, let iterations):
    try R.positive.check(owner, "limit", Double(limit))
    try R.integer(atLeast: 1).check(owner, "iterations", Double(iterations))
  case .maxNorm(let limit), .ball(let limit):
    try R.positive.check(owner, "limit", Double(limit))
  case .unitNorm, .nonNegative:
    break
  case .minMaxNorm(let minimum, let maximum, let rate):
    try R.nonNegative.check(owner, "minimum", Double(minimum))
    try R.positive.check(owner, "maximum", Double(maximum))
    try R.fraction.check(owner, "rate", Double(rate))
    try checkOrder(owner, "minimum", minimum, "maximum", maximum)
  case .valueBox(let lower, let upper):
    try R.number.check(owner, "lower", Double(lower))
    try R.number.check(owner, "upper", Double(upper))
    try checkOrder(owner, "lower", lower, "upper", upper)
  }
}

private func checkOrder(
  _ owner: String, _ lowKey: String, _ low: Float, _ highKey: String, _ high: Float
) throws {
  guard low <= high else {
    throw HyperparameterError(
      owner: owner, key: lowKey, value: "\(low)", problem: "must not be above \(highKey) = \(high)")
  }
}
