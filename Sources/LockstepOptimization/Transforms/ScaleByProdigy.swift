import LockstepCatalog
import LockstepEngine

/// Prodigy: Adam whose learning rate is an estimate d of the distance to the solution.
///
/// Three transforms, as d needs two sums over all values: Σ g(p₀ − p), then Σ|s| of what the first sum's pass
/// makes. They share one object.
package struct Prodigy: Sendable, Equatable {
  /// The learning rate that multiplies d.
  let schedule: Schedule
  /// β₁, the weight of the past in the mean.
  let beta1: Double
  /// β₂, the weight of the past in the mean of squares.
  let beta2: Double
  /// β₃, the weight of the past in the sums; √β₂ where nil.
  let beta3: Double?
  /// ε, multiplied by d.
  let epsilon: Double
  /// λ, decoupled.
  let weightDecay: Double
  /// The first d.
  let initial: Double
  /// What the estimate is multiplied by.
  let coefficient: Double
  /// Whether moments are corrected for their start at zero.
  let biasCorrection: Bool

  /// A rule with these numbers.
  package init(
    schedule: Schedule, beta1: Double, beta2: Double, beta3: Double?, epsilon: Double,
    weightDecay: Double, initial: Double, coefficient: Double, biasCorrection: Bool
  ) {
    self.schedule = schedule
    self.beta1 = beta1
    self.beta2 = beta2
    self.beta3 = beta3
    self.epsilon = epsilon
    self.weightDecay = weightDecay
    self.initial = initial
    self.coefficient = coefficient
    self.biasCorrection = biasCorrection
  }

  fileprivate func validate() throws {
    try schedule.validate()
    try checkBetas("prodigy", beta1, beta2)
    if let beta3 { try HyperparameterRange.decayRate.check("prodigy", "beta3", beta3) }
    try HyperparameterRange.nonNegative.check("prodigy", "epsilon", epsilon)
    try HyperparameterRange.nonNegative.check("prodigy", "weightDecay", weightDecay)
    try HyperparameterRange.positive.check("prodigy", "initialDistance", initial)
    try HyperparameterRange.positive.check("prodigy", "coefficient", coefficient)
  }
}

/// One of the three passes.
private struct ProdigyPass: GradientTransform {
  enum Part { case products, moments, step }

  let rule: Prodigy
  let part: Part

  func validate() throws { try rule.validate() }
  var schedules: [Schedule] { [rule.schedule] }

  func bind(to context: TransformContext) -> any BoundTransform {
    let memory = context.companions.object("prodigy") { ProdigyMemory(rule, context) }
    switch part {
    case .products: return BoundProducts(memory)
    case .moments: return BoundMoments(memory)
    case .step: return BoundDirection(memory)
    }
  }

  /// Keeps the gradient, and makes g (p₀ − p) of it.
  final class BoundProducts: InspectedTransform {
    private let memory: ProdigyMemory
    var state: [StateEntry] { memory.state }

    init(_ memory: ProdigyMemory) { self.memory = memory }

    func prepare(_ step: StepContext) { memory.begin(step) }

    func apply(_ block: BlockView) {
      let (start, gradient) = (
        memory.start.base + block.offset, memory.gradient.base + block.offset
      )
      for i in 0..<block.count {
        if memory.isFirst { start[i] = block.parameters[i] }
        let g = block.input[i]
        gradient[i] = g
        block.output[i] = g * (start[i] - block.parameters[i])
      }
    }
  }

  /// Moves the moments, and gives s.
  final class BoundMoments: InspectedTransform {
    private let memory: ProdigyMemory
    let measures: [Measure] = [.updateSum]

    init(_ memory: ProdigyMemory) { self.memory = memory }

    func prepare(_ step: StepContext) {
      memory.addProducts(step.measurements.norm(.updateSum))
    }

    func apply(_ block: BlockView) {
      let numbers = memory.numbers
      let gradient = memory.gradient.base + block.offset
      let (m, v) = (memory.first.base + block.offset, memory.second.base + block.offset)
      let s = memory.sums.base + block.offset
      for i in 0..<block.count {
        let g = gradient[i]
        m[i] = numbers.beta1 * m[i] + numbers.first * g
        v[i] = numbers.beta2 * v[i] + numbers.second * (g * g)
        s[i] = numbers.beta3 * s[i] + numbers.third * g
        block.output[i] = s[i]
      }
    }
  }

  /// Makes the update with the new d.
  final class BoundDirection: InspectedTransform {
    private let memory: ProdigyMemory
    let measures: [Measure] = [.update(.one)]

    init(_ memory: ProdigyMemory) { self.memory = memory }

    func prepare(_ step: StepContext) {
      memory.estimate(step.measurements.norm(.update(.one)))
    }

    func apply(_ block: BlockView) {
      let (m, v) = (memory.first.base + block.offset, memory.second.base + block.offset)
      let (epsilon, rate) = (memory.scaledEpsilon, memory.rates[block.slot])
      let decay = memory.decays[block.slot]
      for i in 0..<block.count {
        block.output[i] =
          rate * (m[i] / (v[i].squareRoot() + epsilon) + decay * block.parameters[i])
      }
    }

    var sharedState: String? { "Prodigy's estimate of the distance" }

    func commit() { memory.commit() }
  }
}

/// What the three passes share.
private final class ProdigyMemory {
  private let rule: Prodigy
  let start: Arena<Float>
  let first: Arena<Float>
  let second: Arena<Float>
  let sums: Arena<Float>
  /// No state: every step begins with it.
  let gradient: Arena<Float>
  /// d, the largest estimate so far, and the sum of products; zeros before the first update.
  private let scalars = Arena<Double>(count: 3)
  private let rateFactors: [Double]
  private let decayFactors: [Double]
  let state: [StateEntry]

  private(set) var isFirst = true
  private var (distance, largest, products) = (0.0, 0.0, 0.0)
  private var rate = 0.0
  /// The factors of the moments' pass.
  private(set) var numbers:
    (
      beta1: Float, first: Float, beta2: Float, second: Float, beta3: Float, third: Float
    ) = (0, 0, 0, 0, 0, 0)
  private(set) var scaledEpsilon: Float = 0
  private(set) var rates: [Float]
  private(set) var decays: [Float]

  init(_ rule: Prodigy, _ context: TransformContext) {
    self.rule = rule
    start = context.makeArena()
    first = context.makeArena()
    second = context.makeArena()
    sums = context.makeArena()
    gradient = context.makeArena()
    rateFactors = context.learningRateFactors
    decayFactors = context.weightDecayFactors
    rates = rateFactors.map { _ in 0 }
    decays = decayFactors.map { Float(rule.weightDecay * $0) }
    state = [
      context.entry("initialWeights", start), context.entry("firstMoment", first),
      context.entry("secondMoment", second), context.entry("weightedSum", sums),
      StateEntry("prodigy.scalars", .doubles(scalars.buffer)),
    ]
  }

  func begin(_ step: StepContext) {
    isFirst = step.update == 1
    distance = isFirst ? rule.initial : scalars.base[0]
    largest = isFirst ? rule.initial : scalars.base[1]
    var correction = 1.0
    if rule.biasCorrection {
      correction =
        (1 - ExactMath.power(rule.beta2, step.update)).squareRoot()
        / (1 - ExactMath.power(rule.beta1, step.update))
    }
    rate = distance * step.rate(of: rule.schedule) * correction
    let beta3 = rule.beta3 ?? rule.beta2.squareRoot()
    products = isFirst ? 0 : beta3 * scalars.base[2]
    numbers = (
      Float(rule.beta1), Float(distance * (1 - rule.beta1)), Float(rule.beta2),
      Float(distance * distance * (1 - rule.beta2)), Float(beta3),
      Float(distance / rule.initial * rate)
    )
  }

  func addProducts(_ sum: Double) { products += distance / rule.initial * rate * sum }

  /// The new d, of Σ|s|.
  func estimate(_ sum: Double) {
    if sum > 0 {
      let found = rule.coefficient * products / sum
      if distance == rule.initial { distance = max(distance, found) }
      largest = max(largest, found)
      distance = largest
    }
    scaledEpsilon = Float(distance * rule.epsilon)
    for slot in rates.indices { rates[slot] = sum > 0 ? Float(rate * rateFactors[slot]) : 0 }
  }

  func commit() {
    (scalars.base[0], scalars.base[1], scalars.base[2]) = (distance, largest, products)
  }
}

extension Chain {
  /// Prodigy by its paper: Adam with the learning rate η d, where d estimates the distance to the solution.
  ///
  /// s = β₃ s + (d/d₀) ηd g, r = β₃ r + (d/d₀) ηd ⟨g, p₀ − p⟩, and d = max(d, c r / ‖s‖₁). Moments are those of d g,
  /// so that u = ηd (m / (√v + dε) + λp). Take η = 1, with a schedule that falls. (Mishchenko & Defazio 2024,
  /// "Prodigy", algorithm 4; the authors' code.)
  public static func prodigy(learningRate: Schedule = 1, weightDecay: Double = 0) -> Chain {
    prodigy(
      Prodigy(
        schedule: learningRate, beta1: 0.9, beta2: 0.999, beta3: nil, epsilon: 1e-8,
        weightDecay: weightDecay, initial: 1e-6, coefficient: 1, biasCorrection: false))
  }

  package static func prodigy(_ rule: Prodigy) -> Chain {
    Chain(
      ProdigyPass(rule: rule, part: .products), ProdigyPass(rule: rule, part: .moments),
      ProdigyPass(rule: rule, part: .step))
  }

  static let prodigyEntry = Entry<Optimizer>(
    "prodigy", "Adam that estimates its learning rate, by its paper", learningRate: 1,
    [
      .beta1, .beta2(),
      .optional(
        "beta3", .decayRate, "the weight of the past in the estimate's sums; √beta2 if left out"),
      .epsilon(1e-8), .weightDecay(),
      .with("initialDistance", .positive, 1e-6, "the first estimate of the distance"),
      .with("coefficient", .positive, 1, "multiplies the estimates"),
      .with("biasCorrection", .boolean, false, "whether moments are corrected for their start"),
    ]
  ) { values, rate in
    .prodigy(
      Prodigy(
        schedule: rate, beta1: values["beta1"], beta2: values["beta2"], beta3: values["beta3"],
        epsilon: values["epsilon"], weightDecay: values["weightDecay"],
        initial: values["initialDistance"], coefficient: values["coefficient"],
        biasCorrection: values["biasCorrection"]))
  }
}
