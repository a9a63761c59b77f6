import LockstepCatalog
import LockstepEngine

/// Schedule-free steps: an average x of fast weights z takes the place of a falling learning rate.
///
/// Gradients are computed at y = (1 − β) z + β x. The weights between steps are x: what is evaluated, saved
/// and resumed from is the average, always.
package struct ScheduleFree: GradientTransform, Equatable {
  /// γ, at each step.
  package let schedule: Schedule
  /// β, the part of the average in y.
  package let beta: Double
  /// β₂ of Adam's mean of squares, by whose root gradients are divided; nil for plain gradients.
  package let beta2: Double?
  /// ε, added to that root.
  package let epsilon: Double
  /// λ, at y.
  package let weightDecay: Double
  /// r: updates weigh as the r-th power of their number.
  package let power: Double
  /// And as this power of the largest learning rate so far.
  package let ratePower: Double

  package func validate() throws {
    try schedule.validate()
    try HyperparameterRange.decayRate.check("schedule-free", "beta", beta)
    if let beta2 { try HyperparameterRange.decayRate.check("schedule-free", "beta2", beta2) }
    try HyperparameterRange.nonNegative.check("schedule-free", "epsilon", epsilon)
    try HyperparameterRange.nonNegative.check("schedule-free", "weightDecay", weightDecay)
    try HyperparameterRange.nonNegative.check("schedule-free", "power", power)
    try HyperparameterRange.nonNegative.check("schedule-free", "ratePower", ratePower)
  }

  package var schedules: [Schedule] { [schedule] }

  package func bind(to context: TransformContext) -> any BoundTransform { Bound(self, context) }

  private final class Bound: TrainingPointTransform {
    private let rule: ScheduleFree
    private let fast: Arena<Float>
    private let squares: Arena<Float>?
    /// The sum of the updates' weights, and the largest learning rate.
    private let sums = Arena<Double>(count: 2)
    private var pending = (0.0, 0.0)
    private let rateFactors: [Double]
    private let decayFactors: [Double]
    let state: [StateEntry]

    private var isFirst = true
    /// c, the weight of this update in the average.
    private var part: Float = 1
    /// γ and λ of each slot.
    private var rates: [Float]
    private var decays: [Float]
    /// What √v is multiplied by.
    private var root: Float = 1

    init(_ rule: ScheduleFree, _ context: TransformContext) {
      self.rule = rule
      fast = context.makeArena()
      squares = rule.beta2 == nil ? nil : context.makeArena()
      rateFactors = context.learningRateFactors
      decayFactors = context.weightDecayFactors
      rates = rateFactors.map { _ in 0 }
      decays = decayFactors.map { Float(rule.weightDecay * $0) }
      state =
        [
          context.entry("fastWeights", fast),
          StateEntry("scheduleFree.sums", .doubles(sums.buffer)),
        ] + (squares.map { [context.entry("secondMoment", $0)] } ?? [])
    }

    var sharedState: String? { "the sum of weights of a schedule-free update" }

    func prepare(_ step: StepContext) {
      isFirst = step.update == 1
      let rate = step.rate(of: rule.schedule)
      let largest = max(rate, sums.base[1])
      let weight =
        ExactMath.power(Double(step.update), rule.power)
        * ExactMath.power(largest, rule.ratePower)
      pending = (sums.base[0] + weight, largest)
      part = pending.0 > 0 ? Float(weight / pending.0) : 0
      for slot in rates.indices { rates[slot] = Float(rate * rateFactors[slot]) }
      if let beta2 = rule.beta2 {
        root = Float(1 / (1 - ExactMath.power(beta2, step.update)).squareRoot())
      }
    }

    func apply(_ block: BlockView) {
      let z = fast.base + block.offset
      let (rate, decay, part) = (rates[block.slot], decays[block.slot], part)
      let (beta, epsilon) = (Float(rule.beta), Float(rule.epsilon))
      let beta2 = Float(rule.beta2 ?? 0)
      let squares = squares.map { $0.base + block.offset }
      for i in 0..<block.count {
        let x = block.parameters[i]
        var direction = block.input[i]
        if let squares {
          squares[i] = beta2 * squares[i] + (1 - beta2) * (direction * direction)
          direction /= squares[i].squareRoot() * root + epsilon
        }
        let before = isFirst ? x : z[i]
        let y = isFirst ? x : beta * x + (1 - beta) * before
        z[i] = before - rate * (direction + decay * y)
        block.output[i] = part * (x - z[i])
      }
    }

    func commit() { (sums.base[0], sums.base[1]) = pending }

    func moveToTrainingPoint(
      _ parameters: UnsafeMutablePointer<Float>, at offset: Int, count: Int, update: Int
    ) {
      // The fast weights begin as the others.
      if update == 1 { return }
      let z = fast.base + offset
      let beta = Float(rule.beta)
      for i in 0..<count { parameters[i] = beta * parameters[i] + (1 - beta) * z[i] }
    }
  }
}

extension Chain {
  /// Schedule-free AdamW: Adam's division by √v̂ + ε, averaging in place of momentum and of a schedule.
  ///
  /// z = z − γ (g / (√v̂ + ε) + λy) and x = (1 − c) x + c z with g at y = (1 − β₁) z + β₁ x. c is the update's
  /// weight, t^r γₘₐₓ², over the sum of all. Evaluations, checkpoints and the final weights are x. Give it a
  /// constant learning rate behind a warm-up. (Defazio et al. 2024, "The road less scheduled".)
  public static func scheduleFreeAdamW(
    learningRate: Schedule = 0.0025, beta1: Double = 0.9, beta2: Double = 0.999,
    epsilon: Double = 1e-8, weightDecay: Double = 0
  ) -> Chain {
    scheduleFree(
      learningRate, beta: beta1, beta2: beta2, epsilon: epsilon, weightDecay: weightDecay)
  }

  /// Schedule-free SGD: z = z − γ (g + λy), otherwise as `scheduleFreeAdamW`.
  public static func scheduleFreeSGD(
    learningRate: Schedule = 1, momentum: Double = 0.9, weightDecay: Double = 0
  ) -> Chain {
    scheduleFree(
      learningRate, beta: momentum, beta2: nil, epsilon: 0, weightDecay: weightDecay)
  }

  package static func scheduleFree(
    _ rate: Schedule, beta: Double, beta2: Double?, epsilon: Double, weightDecay: Double,
    power: Double = 0, ratePower: Double = 2
  ) -> Chain {
    Chain(
      ScheduleFree(
        schedule: rate, beta: beta, beta2: beta2, epsilon: epsilon, weightDecay: weightDecay,
        power: power, ratePower: ratePower))
  }

  private static var averagingKeys: [Hyperparameter] {
    [
      .with("power", .nonNegative, 0, "r: updates weigh as the r-th power of their number"),
      .with("ratePower", .nonNegative, 2, "and as this power of the largest learning rate so far"),
    ]
  }

  static let scheduleFreeAdamWEntry = Entry<Optimizer>(
    "scheduleFreeAdamW", "AdamW with averaging in place of a schedule, by its paper",
    learningRate: 0.0025,
    [
      .with("beta1", .decayRate, 0.9, "the part of the average where gradients are computed"),
      .beta2(), .epsilon(1e-8), .weightDecay(),
    ] + averagingKeys
  ) { values, rate in
    .scheduleFree(
      rate, beta: values["beta1"], beta2: values["beta2"] as Double, epsilon: values["epsilon"],
      weightDecay: values["weightDecay"], power: values["power"], ratePower: values["ratePower"])
  }

  static let scheduleFreeSGDEntry = Entry<Optimizer>(
    "scheduleFreeSGD", "SGD with averaging in place of a schedule, by its paper", learningRate: 1,
    [
      .with("momentum", .decayRate, 0.9, "the part of the average where gradients are computed"),
      .weightDecay(),
    ] + averagingKeys
  ) { values, rate in
    .scheduleFree(
      rate, beta: values["momentum"], beta2: nil, epsilon: 0, weightDecay: values["weightDecay"],
      power: values["power"], ratePower: values["ratePower"])
  }
}
