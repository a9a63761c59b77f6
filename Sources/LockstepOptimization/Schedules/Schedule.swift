/// A learning rate as a function of the step, counted from 0.
///
/// Each case names the PyTorch scheduler it equals, when that scheduler's `step()` is called once
/// after each optimizer step and the optimizer starts with the rate `initial`.
public indirect enum Schedule: Sendable, Equatable {
  /// The same rate always. (`ConstantLR` with factor 1.)
  case constant(Double)
  /// initial · factor^⌊t / every⌋. (`StepLR(step_size: every, gamma: factor)`.)
  case step(initial: Double, every: Int, factor: Double)
  /// initial · factor^(the number of milestones ≤ t). (`MultiStepLR`.)
  case multiStep(initial: Double, milestones: [Int], factor: Double)
  /// initial · factor^t. (`ExponentialLR(gamma: factor)`.)
  case exponential(initial: Double, factor: Double)
  /// minimum + (initial − minimum)(1 + cos(π t / steps)) / 2 up to t = steps, then minimum.
  /// (`CosineAnnealingLR(T_max: steps, eta_min: minimum)` up to t = steps; PyTorch's rises again
  /// afterwards, this one stays.)
  case cosine(initial: Double, steps: Int, minimum: Double = 0)
  /// Cosine with warm restarts: periods of `period`, period · growth, … steps, each from `initial`
  /// to `minimum`. (`CosineAnnealingWarmRestarts(T_0: period, T_mult: growth, eta_min: minimum)`.)
  case cosineRestarts(initial: Double, period: Int, growth: Int = 1, minimum: Double = 0)
  /// Half a cosine up from peak / divisor to `peak` over the first `rise` of the steps, half a
  /// cosine down to peak / divisor / finalDivisor over the rest, then that. (`OneCycleLR(max_lr:
  /// peak, total_steps: steps, pct_start: rise, div_factor: divisor, final_div_factor:
  /// finalDivisor, cycle_momentum: False)`.)
  case oneCycle(
    peak: Double, steps: Int, rise: Double = 0.3, divisor: Double = 25,
    finalDivisor: Double = 1e4)
  /// final + (initial − final)(1 − min(t, steps) / steps)^power. (`PolynomialLR(total_iters:
  /// steps, power:)` for final = 0.)
  case polynomial(initial: Double, steps: Int, power: Double = 1, final: Double = 0)
  /// initial / (1 + rate · t). (`LambdaLR`; the `lr_decay` of PyTorch's `Adagrad`.)
  case inverseTime(initial: Double, rate: Double)
  /// A linear rise over `steps` steps from start · r to r, with r the first rate of `then`, which
  /// counts its own steps from 0 when the rise is over. (`SequentialLR([LinearLR(start_factor:
  /// start, total_iters: steps), then], milestones: [steps])`.)
  case warmup(steps: Int, start: Double, then: Schedule)
  /// Another schedule, times a factor that falls when a metric stops improving; see
  /// ``UpdateRule/report(metric:)``.
  case reduceOnPlateau(ReduceOnPlateau, of: Schedule)

  /// The rate at a step, at least 0, while no metric has reduced it.
  ///
  /// - Returns: a NaN for a step below 0 and for a schedule that ``validate()`` refuses.
  public func value(at step: Int) -> Double {
    guard step >= 0, (try? validate()) != nil else { return .nan }
    return value(at: step, reducedBy: 1)
  }

  /// The reduction on plateaus that the schedule holds.
  var plateau: ReduceOnPlateau? {
    switch self {
    case .reduceOnPlateau(let plateau, _): plateau
    case .warmup(_, _, let then): then.plateau
    default: nil
    }
  }

  /// The rate at a step when plateaus have multiplied it by `scale`.
  func value(at step: Int, reducedBy scale: Double) -> Double {
    switch self {
    case .constant(let rate):
      return rate
    case .step(let initial, let every, let factor):
      return initial * ExactMath.power(factor, step / every)
    case .multiStep(let initial, let milestones, let factor):
      return initial * ExactMath.power(factor, milestones.count { $0 <= step })
    case .exponential(let initial, let factor):
      return initial * ExactMath.power(factor, step)
    case .cosine(let initial, let steps, let minimum):
      if step >= steps { return minimum }
      return Self.wave(initial, minimum, Double(step) / Double(steps))
    case .cosineRestarts(let initial, let period, let growth, let minimum):
      var rest = step
      var length = period
      if growth == 1 {
        rest %= period
      } else {
        while rest >= length {
          rest -= length
          let (next, overflow) = length.multipliedReportingOverflow(by: growth)
          length = overflow ? .max : next
        }
      }
      return Self.wave(initial, minimum, Double(rest) / Double(length))
    case .oneCycle(let peak, let steps, let rise, let divisor, let finalDivisor):
      let top = rise * Double(steps) - 1
      let end = Double(steps - 1)
      let t = min(Double(step), end)
      let start = peak / divisor
      if t <= top { return Self.wave(start, peak, top > 0 ? t / top : 1) }
      return Self.wave(peak, start / finalDivisor, (t - top) / (end - top))
    case .polynomial(let initial, let steps, let power, let final):
      let left = 1 - Double(min(step, steps)) / Double(steps)
      return final + (initial - final) * ExactMath.power(left, power)
    case .inverseTime(let initial, let rate):
      return initial / (1 + rate * Double(step))
    case .warmup(let steps, let start, let then):
      if step >= steps { return then.value(at: step - steps, reducedBy: scale) }
      return then.value(at: 0, reducedBy: scale)
        * (start + (1 - start) * Double(step) / Double(steps))
    case .reduceOnPlateau(let plateau, let schedule):
      let whole = schedule.value(at: step)
      return max(whole * scale, min(whole, plateau.minimum))
    }
  }

  private static func wave(_ initial: Double, _ minimum: Double, _ fraction: Double) -> Double {
    minimum + (initial - minimum) * (1 + ExactMath.cosine(halfTurns: fraction)) / 2
  }

  private static func check(_ milestones: [Int]) throws {
    for (index, milestone) in milestones.enumerated()
    where milestone < 1 || (index > 0 && milestone <= milestones[index - 1]) {
      throw HyperparameterError(
        owner: "multiStep schedule", key: "milestones", value: "\(milestones)",
        problem: "must be growing whole numbers, each at least 1")
    }
  }

  /// Throws a ``HyperparameterError`` where a number makes no sense.
  public func validate() throws {
    typealias R = HyperparameterRange
    func count(_ owner: String, _ key: String, _ value: Int) throws {
      try R.integer(atLeast: 1).check(owner, key, Double(value))
    }
    switch self {
    case .constant(let rate):
      try R.nonNegative.check("learning rate", "learningRate", rate)
    case .step(let initial, let every, let factor):
      try R.nonNegative.check("step schedule", "learningRate", initial)
      try count("step schedule", "every", every)
      try R.nonNegative.check("step schedule", "factor", factor)
    case .multiStep(let initial, let milestones, let factor):
      try R.nonNegative.check("multiStep schedule", "learningRate", initial)
      try R.nonNegative.check("multiStep schedule", "factor", factor)
      try Self.check(milestones)
    case .exponential(let initial, let factor):
      try R.nonNegative.check("exponential schedule", "learningRate", initial)
      try R.nonNegative.check("exponential schedule", "factor", factor)
    case .cosine(let initial, let steps, let minimum):
      try R.nonNegative.check("cosine schedule", "learningRate", initial)
      try count("cosine schedule", "steps", steps)
      try R.nonNegative.check("cosine schedule", "minimum", minimum)
    case .cosineRestarts(let initial, let period, let growth, let minimum):
      try R.nonNegative.check("cosineRestarts schedule", "learningRate", initial)
      try count("cosineRestarts schedule", "period", period)
      try count("cosineRestarts schedule", "growth", growth)
      try R.nonNegative.check("cosineRestarts schedule", "minimum", minimum)
    case .oneCycle(let peak, let steps, let rise, let divisor, let finalDivisor):
      try R.nonNegative.check("oneCycle schedule", "learningRate", peak)
      try R.integer(atLeast: 2).check("oneCycle schedule", "steps", Double(steps))
      try R.fraction.check("oneCycle schedule", "rise", rise)
      try R.positive.check("oneCycle schedule", "divisor", divisor)
      try R.positive.check("oneCycle schedule", "finalDivisor", finalDivisor)
    case .polynomial(let initial, let steps, let power, let final):
      try R.nonNegative.check("polynomial schedule", "learningRate", initial)
      try count("polynomial schedule", "steps", steps)
      try R.positive.check("polynomial schedule", "power", power)
      try R.nonNegative.check("polynomial schedule", "final", final)
    case .inverseTime(let initial, let rate):
      try R.nonNegative.check("inverseTime schedule", "learningRate", initial)
      try R.nonNegative.check("inverseTime schedule", "rate", rate)
    case .warmup(let steps, let start, let then):
      try R.integer(atLeast: 0).check("warm-up", "warmupSteps", Double(steps))
      try R.fraction.check("warm-up", "warmupStart", start)
      try then.validate()
    case .reduceOnPlateau(let plateau, let schedule):
      try plateau.validate()
      try schedule.validate()
      if schedule.plateau != nil {
        throw HyperparameterError(
          owner: "reduceOnPlateau schedule", key: "of", value: "reduceOnPlateau",
          problem: "must not hold another one")
      }
    }
  }
}

extension Schedule: ExpressibleByFloatLiteral, ExpressibleByIntegerLiteral {
  /// A number is a constant rate.
  public init(floatLiteral value: Double) { self = .constant(value) }
  /// A number is a constant rate.
  public init(integerLiteral value: Int) { self = .constant(Double(value)) }
}
