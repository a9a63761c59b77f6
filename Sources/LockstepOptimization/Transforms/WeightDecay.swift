import LockstepEngine

/// Adds λ p to the update: PyTorch's `weight_decay` of SGD, Adam and the rest, behind the clip and
/// before the direction.
package struct WeightDecay: GradientTransform, Equatable {
  /// λ.
  package let rate: Double

  /// Makes a decay with λ = `rate`.
  package init(_ rate: Double) { self.rate = rate }

  package func validate() throws {
    try HyperparameterRange.nonNegative.check("weight decay", "weightDecay", rate)
  }

  package func bind(to context: TransformContext) -> any BoundTransform {
    BoundDecay(context, rate: rate, schedule: nil)
  }
}

/// Adds λ p to the update behind the direction, so that no moment sees it: AdamW's decay.
package struct DecoupledWeightDecay: GradientTransform, Equatable {
  /// λ.
  package let rate: Double
  /// The learning rate that multiplies the term, where the chain does not do so afterwards.
  package let schedule: Schedule?

  /// Makes a decay with λ = `rate`, multiplied by `schedule` where one is given.
  package init(_ rate: Double, scaledBy schedule: Schedule? = nil) {
    self.rate = rate
    self.schedule = schedule
  }

  package func validate() throws {
    try HyperparameterRange.nonNegative.check("decoupled weight decay", "weightDecay", rate)
    try schedule?.validate()
  }

  package var schedules: [Schedule] { schedule.map { [$0] } ?? [] }

  package func bind(to context: TransformContext) -> any BoundTransform {
    BoundDecay(context, rate: rate, schedule: schedule)
  }
}

final class BoundDecay: InspectedTransform {
  private let kernels: Kernels
  private let schedule: Schedule?
  private let base: [Double]
  private(set) var rates: [Float]

  init(_ context: TransformContext, rate: Double, schedule: Schedule?) {
    kernels = context.kernels
    self.schedule = schedule
    base = context.weightDecayFactors.enumerated().map { slot, factor in
      rate * factor * (schedule == nil ? 1 : context.learningRateFactors[slot])
    }
    rates = base.map { Float($0) }
  }

  func prepare(_ step: StepContext) {
    guard let schedule else { return }
    let rate = step.rate(of: schedule)
    for slot in rates.indices { rates[slot] = Float(base[slot] * rate) }
  }

  func isActive(slot: Int) -> Bool { rates[slot] != 0 }

  func apply(_ block: BlockView) {
    kernels.update.add_scaled(
      block.output, block.input, block.parameters, rates[block.slot], block.count)
  }
}

// How presets take their `weightDecay`: those with PyTorch's formulas add it to the gradient behind the
// clip unless they say otherwise, Keras's and the papers' decouple it.
extension Chain {
  static func coupled(_ rate: Double) -> [any GradientTransform] {
    rate == 0 ? [] : [WeightDecay(rate)]
  }

  static func decoupled(_ rate: Double) -> [any GradientTransform] {
    rate == 0 ? [] : [DecoupledWeightDecay(rate)]
  }

  /// Decay behind a learning rate that already stands earlier in the chain.
  static func decoupled(
    _ rate: Double, scaledBy schedule: Schedule
  ) -> [any GradientTransform] {
    rate == 0 ? [] : [DecoupledWeightDecay(rate, scaledBy: schedule)]
  }
}

extension GradientTransform where Self == Provided {
  /// Adds λ p to the update: PyTorch's `weight_decay` of SGD, Adam and the rest, behind the clip and
  /// before the direction.
  ///
  /// Slots whose parameter group has a weight-decay factor take factor · λ.
  public static func weightDecay(_ rate: Double) -> some GradientTransform { WeightDecay(rate) }
}

extension GradientTransform where Self == Provided {
  /// Adds λ p to the update behind the direction, so that no moment sees it: AdamW's decay.
  ///
  /// In front of `ScaleByLearningRate` it is multiplied by the learning rate with the rest, as in
  /// PyTorch and Keras. Where the learning rate stands earlier in the chain (Keras's momentum), give
  /// the schedule here too, and the term is λ · rate · p. (Loshchilov & Hutter 2019.)
  ///
  /// - Parameter schedule: multiplies the rate where it stands behind the learning rate.
  public static func decoupledWeightDecay(
    _ rate: Double, scaledBy schedule: Schedule? = nil
  ) -> some GradientTransform {
    DecoupledWeightDecay(rate, scaledBy: schedule)
  }
}
