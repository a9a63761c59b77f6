import LockstepCatalog
import LockstepEngine

/// Adan's direction: Adam of the gradient with a look-ahead by its differences.
package struct ScaleByAdan: NormalizingTransform, Equatable {
  /// β₁, the weight of the past in the mean.
  package let beta1: Double
  /// β₂, the weight of the past in the mean of differences.
  package let beta2: Double
  /// β₃, the weight of the past in the mean of squares.
  package let beta3: Double
  /// ε, at least 0.
  package let epsilon: Double

  /// Makes a direction with these numbers; the defaults are the authors'.
  package init(
    beta1: Double = 0.98, beta2: Double = 0.92, beta3: Double = 0.99, epsilon: Double = 1e-8
  ) {
    self.beta1 = beta1
    self.beta2 = beta2
    self.beta3 = beta3
    self.epsilon = epsilon
  }

  package func validate() throws {
    try checkBetas("adan", beta1, beta2)
    try HyperparameterRange.decayRate.check("adan", "beta3", beta3)
    try HyperparameterRange.nonNegative.check("adan", "epsilon", epsilon)
  }

  package func bind(to context: TransformContext) -> any BoundTransform { Bound(self, context) }

  private final class Bound: BoundTransform {
    private let rule: ScaleByAdan
    private let mean: Arena<Float>
    private let differences: Arena<Float>
    private let squares: Arena<Float>
    private let previous: Arena<Float>
    let state: [StateEntry]
    private var isFirst = true
    /// What m, v and √n are multiplied by.
    private var (first, second, root): (Float, Float, Float) = (1, 1, 1)

    init(_ rule: ScaleByAdan, _ context: TransformContext) {
      self.rule = rule
      mean = context.makeArena()
      differences = context.makeArena()
      squares = context.makeArena()
      previous = context.makeArena()
      state = [
        context.entry("firstMoment", mean), context.entry("difference", differences),
        context.entry("secondMoment", squares), context.entry("previousGradient", previous),
      ]
    }

    func prepare(_ step: StepContext) {
      isFirst = step.update == 1
      first = Float(1 / (1 - ExactMath.power(rule.beta1, step.update)))
      second = Float(rule.beta2 / (1 - ExactMath.power(rule.beta2, step.update)))
      root = Float(1 / (1 - ExactMath.power(rule.beta3, step.update)).squareRoot())
    }

    func apply(_ block: BlockView) {
      let (beta1, beta2, beta3) = (Float(rule.beta1), Float(rule.beta2), Float(rule.beta3))
      let epsilon = Float(rule.epsilon)
      let (m, v) = (mean.base + block.offset, differences.base + block.offset)
      let (n, old) = (squares.base + block.offset, previous.base + block.offset)
      for i in 0..<block.count {
        let g = block.input[i]
        let difference = isFirst ? 0 : g - old[i]
        old[i] = g
        let ahead = g + beta2 * difference
        m[i] = beta1 * m[i] + (1 - beta1) * g
        v[i] = beta2 * v[i] + (1 - beta2) * difference
        n[i] = beta3 * n[i] + (1 - beta3) * (ahead * ahead)
        block.output[i] = (first * m[i] + second * v[i]) / (n[i].squareRoot() * root + epsilon)
      }
    }
  }
}

/// Shrinks the parameters behind the step: p = (p − u) / (1 + ηλ), written as an update.
private struct ProximalDecay: GradientTransform {
  let rate: Double
  let schedule: Schedule

  func validate() throws {
    try HyperparameterRange.nonNegative.check("proximal decay", "weightDecay", rate)
  }

  var schedules: [Schedule] { [schedule] }

  func bind(to context: TransformContext) -> any BoundTransform { Bound(self, context) }

  private final class Bound: BoundTransform {
    private let decay: ProximalDecay
    private let factors: [Double]
    private var divisors: [Float]

    init(_ decay: ProximalDecay, _ context: TransformContext) {
      self.decay = decay
      factors = zip(context.weightDecayFactors, context.learningRateFactors).map { $0 * $1 }
      divisors = factors.map { _ in 1 }
    }

    func prepare(_ step: StepContext) {
      let rate = step.rate(of: decay.schedule) * decay.rate
      for slot in divisors.indices { divisors[slot] = Float(1 + rate * factors[slot]) }
    }

    func apply(_ block: BlockView) {
      let divisor = divisors[block.slot]
      block.map { u, p in p - (p - u) / divisor }
    }
  }
}

extension Chain {
  /// Adan by its paper: u = η (m̂ + β₂ v̂) / (√n̂ + ε), then p = (p − u) / (1 + ηλ).
  ///
  /// m, v and n are running means of g, of its differences d from step to step, and of (g + β₂d)². (Xie et
  /// al. 2022, algorithm 1; the authors' code, whose β are one minus the paper's.)
  public static func adan(
    learningRate: Schedule = 1e-3, beta1: Double = 0.98, beta2: Double = 0.92,
    beta3: Double = 0.99, epsilon: Double = 1e-8, weightDecay: Double = 0
  ) -> Chain {
    Chain(
      [
        ScaleByAdan(beta1: beta1, beta2: beta2, beta3: beta3, epsilon: epsilon),
        ScaleByLearningRate(learningRate),
      ] + (weightDecay == 0 ? [] : [ProximalDecay(rate: weightDecay, schedule: learningRate)]))
  }

  static let adanEntry = Entry<Optimizer>(
    "adan", "Adam with a look-ahead by the gradient's differences, by its paper",
    learningRate: 1e-3,
    [
      .with("beta1", .decayRate, 0.98, "the weight of the past in the mean"),
      .with("beta2", .decayRate, 0.92, "the weight of the past in the mean of differences"),
      .with("beta3", .decayRate, 0.99, "the weight of the past in the mean of squares"),
      .epsilon(1e-8), .weightDecay(),
    ]
  ) { values, rate in
    .adan(
      learningRate: rate, beta1: values["beta1"], beta2: values["beta2"], beta3: values["beta3"],
      epsilon: values["epsilon"], weightDecay: values["weightDecay"])
  }
}
