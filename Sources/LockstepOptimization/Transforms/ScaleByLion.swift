import LockstepCatalog
import LockstepEngine

/// Lion's direction: u = sign(β₁ m + (1 − β₁) u), then m = β₂ m + (1 − β₂) u of before.
/// (Chen et al. 2023.)
package struct ScaleByLion: GradientTransform, Equatable {
  /// β₁, the weight of m in the direction, in 0..<1.
  package let beta1: Double
  /// β₂, the weight of the past in m, in 0..<1.
  package let beta2: Double

  /// Makes a direction with these numbers; the defaults are those of Keras's `Lion`.
  package init(beta1: Double = 0.9, beta2: Double = 0.99) {
    self.beta1 = beta1
    self.beta2 = beta2
  }

  package func validate() throws { try checkBetas("lion", beta1, beta2) }

  package func bind(to context: TransformContext) -> any BoundTransform { Bound(self, context) }

  private final class Bound: InspectedTransform {
    private let rule: ScaleByLion
    private let kernels: Kernels
    private let moment: Arena<Float>
    let state: [StateEntry]

    init(_ rule: ScaleByLion, _ context: TransformContext) {
      self.rule = rule
      kernels = context.kernels
      moment = context.makeArena()
      state = [context.entry("firstMoment", moment)]
    }

    func apply(_ block: BlockView) {
      kernels.update.lion(
        block.output, block.input, moment.base + block.offset, Float(1 - rule.beta1),
        Float(1 - rule.beta2), block.count)
    }
  }
}

extension Chain {
  /// Lion by its paper: u = η (sign(β₁m + (1 − β₁)g) + λp), decoupled decay.
  public static func lion(
    learningRate: Schedule = 1e-4, beta1: Double = 0.9, beta2: Double = 0.99,
    weightDecay: Double = 0
  ) -> Chain {
    Chain(
      [ScaleByLion(beta1: beta1, beta2: beta2)] + decoupled(weightDecay)
        + [ScaleByLearningRate(learningRate)])
  }

  static let lionEntry = Entry<Optimizer>(
    "lion", "Lion, by its paper", learningRate: 1e-4,
    [.beta1, .beta2(0.99), .weightDecay()]
  ) { values, rate in
    .lion(
      learningRate: rate, beta1: values["beta1"], beta2: values["beta2"],
      weightDecay: values["weightDecay"])
  }

  /// `keras.optimizers.Lion`: the paper's formula with a learning rate of 1e-3 by default.
  public static func lionKeras(
    learningRate: Schedule = 1e-3, beta1: Double = 0.9, beta2: Double = 0.99,
    weightDecay: Double = 0
  ) -> Chain {
    lion(learningRate: learningRate, beta1: beta1, beta2: beta2, weightDecay: weightDecay)
  }

  static let lionKerasEntry = Entry<Optimizer>(
    "lionKeras", "Lion, Keras", learningRate: 1e-3,
    [.beta1, .beta2(0.99), .weightDecay()]
  ) { values, rate in
    .lionKeras(
      learningRate: rate, beta1: values["beta1"], beta2: values["beta2"],
      weightDecay: values["weightDecay"])
  }
}

extension GradientTransform where Self == Provided {
  /// Lion's direction: u = sign(β₁ m + (1 − β₁) u), then m = β₂ m + (1 − β₂) u of before.
  /// (Chen et al. 2023.)
  public static func scaleByLion(beta1: Double = 0.9, beta2: Double = 0.99)
    -> some GradientTransform
  {
    ScaleByLion(beta1: beta1, beta2: beta2)
  }
}
