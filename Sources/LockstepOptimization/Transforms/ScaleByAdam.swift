internal import CLockstepKernels
import LockstepCatalog
import LockstepEngine

/// Adam's direction, without learning rate and decay.
package struct ScaleByAdam: NormalizingTransform, Equatable {
  /// Where ε stands.
  package enum Epsilon: Sendable, Equatable {
    /// √v̂ + ε: the paper's algorithm 1 and PyTorch.
    case outside
    /// √v + ε beside a corrected rate √(1 − β₂ᵗ) / (1 − β₁ᵗ): the paper's "epsilon hat" and Keras.
    case hat
  }

  /// β₁, the weight of the past in m, in 0..<1.
  package let beta1: Double
  /// β₂, the weight of the past in v, in 0..<1.
  package let beta2: Double
  /// ε, at least 0.
  package let epsilon: Double
  /// Whether the largest v so far takes v's place. (`amsgrad` in PyTorch and Keras.)
  package let amsgrad: Bool
  /// Where ε stands.
  package let placement: Epsilon

  /// Makes a direction with these numbers; the defaults are those of PyTorch's `Adam`.
  package init(
    beta1: Double = 0.9, beta2: Double = 0.999, epsilon: Double = 1e-8, amsgrad: Bool = false,
    placement: Epsilon = .outside
  ) {
    self.beta1 = beta1
    self.beta2 = beta2
    self.epsilon = epsilon
    self.amsgrad = amsgrad
    self.placement = placement
  }

  package func validate() throws {
    try checkBetas("adam", beta1, beta2)
    try HyperparameterRange.nonNegative.check("adam", "epsilon", epsilon)
  }

  package func bind(to context: TransformContext) -> any BoundTransform {
    let rule = self
    return BoundAdam(
      context, beta1: beta1, beta2: beta2, amsgrad: amsgrad
    ) { update, constants in
      let first = 1 - ExactMath.power(rule.beta1, update)
      let second = (1 - ExactMath.power(rule.beta2, update)).squareRoot()
      constants.epsilon = Float(rule.epsilon)
      constants.numerator = Float(rule.placement == .outside ? 1 / first : second / first)
      constants.denominator = Float(rule.placement == .outside ? 1 / second : 1)
    }
  }
}

/// RAdam's direction: Adam with the variance of its early steps rectified.
package struct ScaleByRAdam: NormalizingTransform, Equatable {
  /// β₁, the weight of the past in m, in 0..<1.
  package let beta1: Double
  /// β₂, the weight of the past in v, in 0..<1.
  package let beta2: Double
  /// ε, at least 0.
  package let epsilon: Double

  /// Makes a direction with these numbers; the defaults are those of PyTorch's `RAdam`.
  package init(beta1: Double = 0.9, beta2: Double = 0.999, epsilon: Double = 1e-8) {
    self.beta1 = beta1
    self.beta2 = beta2
    self.epsilon = epsilon
  }

  package func validate() throws {
    try checkBetas("radam", beta1, beta2)
    try HyperparameterRange.nonNegative.check("radam", "epsilon", epsilon)
  }

  package func bind(to context: TransformContext) -> any BoundTransform {
    let rule = self
    return BoundAdam(context, beta1: beta1, beta2: beta2, amsgrad: false) { update, constants in
      let first = 1 - ExactMath.power(rule.beta1, update)
      let power = ExactMath.power(rule.beta2, update)
      let limit = 2 / (1 - rule.beta2) - 1
      let length = limit - 2 * Double(update) * power / (1 - power)
      constants.epsilon = Float(rule.epsilon)
      constants.denominator = 1
      constants.plain = length > 5 ? 0 : 1
      var numerator = 1 / first
      if length > 5 {
        numerator *=
          (((length - 4) * (length - 2) * limit) / ((limit - 4) * (limit - 2) * length)
          * (1 - power)).squareRoot()
      }
      constants.numerator = Float(numerator)
    }
  }
}

func checkBetas(_ owner: String, _ beta1: Double, _ beta2: Double) throws {
  try HyperparameterRange.decayRate.check(owner, "beta1", beta1)
  try HyperparameterRange.decayRate.check(owner, "beta2", beta2)
}

final class BoundAdam: InspectedTransform {
  private let kernels: Kernels
  let first: Arena<Float>
  let second: Arena<Float>
  let largest: Arena<Float>?
  let state: [StateEntry]
  private(set) var constants = lockstep_adam()
  private let scalars: (Int, inout lockstep_adam) -> Void

  init(
    _ context: TransformContext, beta1: Double, beta2: Double, amsgrad: Bool,
    scalars: @escaping (Int, inout lockstep_adam) -> Void
  ) {
    kernels = context.kernels
    first = context.makeArena()
    second = context.makeArena()
    largest = amsgrad ? context.makeArena() : nil
    var entries = [context.entry("firstMoment", first), context.entry("secondMoment", second)]
    if let largest { entries.append(context.entry("largestSecondMoment", largest)) }
    state = entries
    self.scalars = scalars
    constants.one_minus_beta1 = Float(1 - beta1)
    constants.beta2 = Float(beta2)
    constants.one_minus_beta2 = Float(1 - beta2)
  }

  func prepare(_ step: StepContext) { scalars(step.update, &constants) }

  func apply(_ block: BlockView) {
    kernels.update.adam(
      block.output, block.input, first.base + block.offset, second.base + block.offset,
      largest.map { $0.base + block.offset }, &constants, block.count)
  }
}

extension Chain {
  /// `torch.optim.Adam`: u = η m̂ / (√v̂ + ε).
  public static func adam(
    learningRate: Schedule = 1e-3, beta1: Double = 0.9, beta2: Double = 0.999,
    epsilon: Double = 1e-8, weightDecay: Double = 0, amsgrad: Bool = false
  ) -> Chain {
    Chain(
      coupled(weightDecay) + [
        ScaleByAdam(beta1: beta1, beta2: beta2, epsilon: epsilon, amsgrad: amsgrad),
        ScaleByLearningRate(learningRate),
      ])
  }

  static let adamEntry = Entry<Optimizer>(
    "adam", "Adam, PyTorch", learningRate: 1e-3,
    [.beta1, .beta2(), .epsilon(1e-8), .weightDecay(), .amsgrad]
  ) { values, rate in
    .adam(
      learningRate: rate, beta1: values["beta1"], beta2: values["beta2"],
      epsilon: values["epsilon"], weightDecay: values["weightDecay"], amsgrad: values["amsgrad"])
  }

  /// `torch.optim.AdamW`: Adam with decoupled decay, u = η (m̂ / (√v̂ + ε) + λp).
  public static func adamW(
    learningRate: Schedule = 1e-3, beta1: Double = 0.9, beta2: Double = 0.999,
    epsilon: Double = 1e-8, weightDecay: Double = 1e-2, amsgrad: Bool = false
  ) -> Chain {
    Chain(
      [ScaleByAdam(beta1: beta1, beta2: beta2, epsilon: epsilon, amsgrad: amsgrad)]
        + decoupled(weightDecay) + [ScaleByLearningRate(learningRate)])
  }

  static let adamWEntry = Entry<Optimizer>(
    "adamW", "Adam with decoupled weight decay, PyTorch", learningRate: 1e-3,
    [.beta1, .beta2(), .epsilon(1e-8), .weightDecay(0.01), .amsgrad]
  ) { values, rate in
    .adamW(
      learningRate: rate, beta1: values["beta1"], beta2: values["beta2"],
      epsilon: values["epsilon"], weightDecay: values["weightDecay"], amsgrad: values["amsgrad"])
  }

  /// `keras.optimizers.Adam`: ε beside √v, not √v̂.
  public static func adamKeras(
    learningRate: Schedule = 1e-3, beta1: Double = 0.9, beta2: Double = 0.999,
    epsilon: Double = 1e-7, amsgrad: Bool = false, weightDecay: Double = 0
  ) -> Chain {
    Chain(
      [ScaleByAdam(beta1: beta1, beta2: beta2, epsilon: epsilon, amsgrad: amsgrad, placement: .hat)]
        + decoupled(weightDecay) + [ScaleByLearningRate(learningRate)])
  }

  static let adamKerasEntry = Entry<Optimizer>(
    "adamKeras", "Adam, Keras", learningRate: 1e-3,
    [.beta1, .beta2(), .epsilon(1e-7), .amsgrad, .weightDecay()]
  ) { values, rate in
    .adamKeras(
      learningRate: rate, beta1: values["beta1"], beta2: values["beta2"],
      epsilon: values["epsilon"], amsgrad: values["amsgrad"], weightDecay: values["weightDecay"])
  }

  /// `keras.optimizers.AdamW`: Keras's Adam with a decay of 0.004 by default.
  public static func adamWKeras(
    learningRate: Schedule = 1e-3, beta1: Double = 0.9, beta2: Double = 0.999,
    epsilon: Double = 1e-7, amsgrad: Bool = false, weightDecay: Double = 0.004
  ) -> Chain {
    adamKeras(
      learningRate: learningRate, beta1: beta1, beta2: beta2, epsilon: epsilon, amsgrad: amsgrad,
      weightDecay: weightDecay)
  }

  static let adamWKerasEntry = Entry<Optimizer>(
    "adamWKeras", "Adam with decoupled weight decay, Keras", learningRate: 1e-3,
    [.beta1, .beta2(), .epsilon(1e-7), .amsgrad, .weightDecay(0.004)]
  ) { values, rate in
    .adamWKeras(
      learningRate: rate, beta1: values["beta1"], beta2: values["beta2"],
      epsilon: values["epsilon"], amsgrad: values["amsgrad"], weightDecay: values["weightDecay"])
  }

  /// `torch.optim.RAdam`.
  public static func radam(
    learningRate: Schedule = 1e-3, beta1: Double = 0.9, beta2: Double = 0.999,
    epsilon: Double = 1e-8, weightDecay: Double = 0
  ) -> Chain {
    Chain(
      coupled(weightDecay) + [
        ScaleByRAdam(beta1: beta1, beta2: beta2, epsilon: epsilon),
        ScaleByLearningRate(learningRate),
      ])
  }

  static let radamEntry = Entry<Optimizer>(
    "radam", "rectified Adam, PyTorch", learningRate: 1e-3,
    [.beta1, .beta2(), .epsilon(1e-8), .weightDecay()]
  ) { values, rate in
    .radam(
      learningRate: rate, beta1: values["beta1"], beta2: values["beta2"],
      epsilon: values["epsilon"], weightDecay: values["weightDecay"])
  }
}

extension GradientTransform where Self == Provided {
  /// Adam's direction, without learning rate and decay.
  ///
  /// m = β₁ m + (1 − β₁) u, v = β₂ v + (1 − β₂) u², u = m̂ / (√v̂ + ε) with m̂ = m / (1 − β₁ᵗ) and
  /// v̂ = v / (1 − β₂ᵗ). With `amsgrad` the largest v so far takes v's place. (Kingma & Ba 2015;
  /// Reddi et al. 2018.)
  ///
  /// - Parameter amsgrad: whether the largest second moment so far counts.
  public static func scaleByAdam(
    beta1: Double = 0.9, beta2: Double = 0.999, epsilon: Double = 1e-8, amsgrad: Bool = false
  ) -> some GradientTransform {
    ScaleByAdam(beta1: beta1, beta2: beta2, epsilon: epsilon, amsgrad: amsgrad)
  }
}

extension GradientTransform where Self == Provided {
  /// RAdam's direction: Adam with the variance of its early steps rectified.
  ///
  /// With ρ∞ = 2/(1 − β₂) − 1 and ρ = ρ∞ − 2 t β₂ᵗ/(1 − β₂ᵗ): u = m̂ r √(1 − β₂ᵗ) / (√v + ε) with
  /// r = √((ρ−4)(ρ−2)ρ∞ / ((ρ∞−4)(ρ∞−2)ρ)) where ρ > 5, else u = m̂. (Liu et al. 2020; PyTorch's
  /// `RAdam`.)
  public static func scaleByRAdam(
    beta1: Double = 0.9, beta2: Double = 0.999, epsilon: Double = 1e-8
  ) -> some GradientTransform {
    ScaleByRAdam(beta1: beta1, beta2: beta2, epsilon: epsilon)
  }
}
