import LockstepEngine

/// Multiplies the update by the learning rate of the step, and by the factor of the slot's
/// parameter group.
package struct ScaleByLearningRate: GradientTransform, Equatable {
  /// The learning rate at each step.
  package let schedule: Schedule

  /// Makes a transform that follows a schedule; a number stands for a constant one.
  package init(_ schedule: Schedule) { self.schedule = schedule }

  package func validate() throws { try schedule.validate() }

  package var schedules: [Schedule] { [schedule] }

  package func bind(to context: TransformContext) -> any BoundTransform {
    BoundLearningRate(schedule, context)
  }
}

final class BoundLearningRate: InspectedTransform {
  private let schedule: Schedule
  private let kernels: Kernels
  private let factors: [Double]
  private(set) var rates: [Float]

  init(_ schedule: Schedule, _ context: TransformContext) {
    self.schedule = schedule
    kernels = context.kernels
    factors = context.learningRateFactors
    rates = Array(repeating: 0, count: factors.count)
  }

  func value(at step: Int, reducedBy scale: Double) -> Double {
    schedule.value(at: step, reducedBy: scale)
  }

  func prepare(_ step: StepContext) {
    let rate = step.rate(of: schedule)
    for slot in rates.indices { rates[slot] = Float(rate * factors[slot]) }
  }

  func apply(_ block: BlockView) {
    kernels.update.scale(block.output, block.input, rates[block.slot], block.count)
  }
}

extension GradientTransform where Self == Provided {
  /// Multiplies the update by the learning rate of the step, and by the factor of the slot's
  /// parameter group.
  public static func scaleByLearningRate(_ schedule: Schedule) -> some GradientTransform {
    ScaleByLearningRate(schedule)
  }
}
