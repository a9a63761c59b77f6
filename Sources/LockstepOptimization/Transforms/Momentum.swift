internal import CLockstepKernels
import LockstepCatalog
import LockstepEngine

/// Heavy-ball momentum: b = μ b + (1 − dampening) u, u = b; with Nesterov's look-ahead u = u + μ b.
package struct Momentum: GradientTransform, Equatable {
  /// μ.
  package let momentum: Double
  /// The part of the update that b does not take in, in 0...1; the first update is taken whole.
  package let dampening: Double
  /// Whether it looks ahead; this needs μ > 0 and no dampening. (PyTorch's and Keras's `nesterov`.)
  package let nesterov: Bool

  /// Makes a momentum with μ = `momentum`.
  package init(_ momentum: Double, dampening: Double = 0, nesterov: Bool = false) {
    self.momentum = momentum
    self.dampening = dampening
    self.nesterov = nesterov
  }

  package func validate() throws {
    try HyperparameterRange.nonNegative.check("momentum", "momentum", momentum)
    try HyperparameterRange.fraction.check("momentum", "dampening", dampening)
    if nesterov && (momentum == 0 || dampening != 0) {
      throw HyperparameterError(
        owner: "momentum", key: "nesterov", value: "true",
        problem: "needs momentum above 0 and dampening = 0")
    }
  }

  package func bind(to context: TransformContext) -> any BoundTransform {
    BoundMomentum(self, context)
  }
}

final class BoundMomentum: InspectedTransform {
  private let rule: Momentum
  private let kernels: Kernels
  let buffer: Arena<Float>
  let state: [StateEntry]
  private(set) var constants = lockstep_momentum()

  init(_ rule: Momentum, _ context: TransformContext) {
    self.rule = rule
    kernels = context.kernels
    buffer = context.makeArena()
    state = [context.entry("momentum", buffer)]
  }

  func prepare(_ step: StepContext) {
    constants = lockstep_momentum(
      momentum: Float(rule.momentum), gain: step.update == 1 ? 1 : Float(1 - rule.dampening),
      active: 1, nesterov: rule.nesterov ? 1 : 0)
  }

  func apply(_ block: BlockView) {
    kernels.update.momentum(
      block.output, block.input, buffer.base + block.offset, &constants, block.count)
  }
}

extension Chain {
  /// `torch.optim.SGD`: u = η (g + λp), with momentum b = μb + (1 − dampening) u.
  public static func sgd(
    learningRate: Schedule = 1e-3, momentum: Double = 0, dampening: Double = 0,
    weightDecay: Double = 0, nesterov: Bool = false
  ) -> Chain {
    Chain(
      coupled(weightDecay)
        + (momentum == 0 && !nesterov
          ? [] : [Momentum(momentum, dampening: dampening, nesterov: nesterov)])
        + [ScaleByLearningRate(learningRate)])
  }

  static let sgdEntry = Entry<Optimizer>(
    "sgd", "stochastic gradient descent, PyTorch", learningRate: 1e-3,
    [
      .momentum(),
      .with("dampening", .fraction, 0, "the part of the gradient that momentum leaves out"),
      .weightDecay(), .nesterov,
    ]
  ) { values, rate in
    .sgd(
      learningRate: rate, momentum: values["momentum"], dampening: values["dampening"],
      weightDecay: values["weightDecay"], nesterov: values["nesterov"])
  }

  /// `keras.optimizers.SGD`: the velocity holds learning rates, v = μv + ηg.
  public static func sgdKeras(
    learningRate: Schedule = 0.01, momentum: Double = 0, nesterov: Bool = false,
    weightDecay: Double = 0
  ) -> Chain {
    Chain(
      [ScaleByLearningRate(learningRate)]
        + (momentum == 0 ? [] : [Momentum(momentum, nesterov: nesterov)])
        + decoupled(weightDecay, scaledBy: learningRate))
  }

  static let sgdKerasEntry = Entry<Optimizer>(
    "sgdKeras", "stochastic gradient descent, Keras", learningRate: 0.01,
    [.momentum(), .nesterov, .weightDecay()]
  ) { values, rate in
    .sgdKeras(
      learningRate: rate, momentum: values["momentum"], nesterov: values["nesterov"],
      weightDecay: values["weightDecay"])
  }
}

extension GradientTransform where Self == Provided {
  /// Heavy-ball momentum: b = μ b + (1 − dampening) u, u = b; with Nesterov's look-ahead u = u + μ b.
  ///
  /// In the first update b = u, as in PyTorch. PyTorch's SGD has it before the learning rate; placed
  /// behind `ScaleByLearningRate` it is Keras's, whose velocity holds learning rates. (Sutskever
  /// et al. 2013.)
  ///
  /// - Parameters:
  ///   - momentum: what is kept of the buffer, 0..<1.
  ///   - dampening: what is left out of the gradient.
  ///   - nesterov: whether the step looks ahead.
  public static func momentum(
    _ momentum: Double, dampening: Double = 0, nesterov: Bool = false
  ) -> some GradientTransform {
    Momentum(momentum, dampening: dampening, nesterov: nesterov)
  }
}
