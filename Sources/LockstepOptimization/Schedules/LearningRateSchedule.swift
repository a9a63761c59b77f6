import LockstepEngine

/// A learning rate as a function of the step: what a ``Schedule`` holds.
///
/// A type of hyperparameters that a program adds conforms to it, and is used as
/// `Schedule(MySchedule())`. All ranks compute the rate for themselves and must find the same bits. So
/// it depends on the hyperparameters and the step alone, and elementary functions come from
/// ``ExactMath``, not from the system's library.
///
/// A training records the description of its schedule, `"\(schedule)"`, and compares it where a run is
/// resumed. So it tells all hyperparameters, as the descriptions of structs do.
public protocol LearningRateSchedule: Sendable, Equatable {
  /// Throws a ``HyperparameterError`` where a number makes no sense.
  func validate() throws

  /// The rate at a step, counted from 0; finite and at least 0. It is asked for only after
  /// ``validate()`` has passed.
  func rate(at step: Int) -> Double

  /// The reduction on plateaus that the schedule holds; none unless it wraps a schedule that does.
  var plateau: ReduceOnPlateau? { get }

  /// The rate at a step when plateaus have multiplied it by `scale`. A schedule that wraps another one
  /// hands the scale on; for all others it is ``rate(at:)``.
  func rate(at step: Int, reducedBy scale: Double) -> Double
}

extension LearningRateSchedule {
  public var plateau: ReduceOnPlateau? { nil }

  public func rate(at step: Int, reducedBy scale: Double) -> Double { rate(at: step) }

  /// Whether another schedule is of the same type and equal.
  func isEqual(to other: any LearningRateSchedule) -> Bool { (other as? Self) == self }

  /// Throws where a whole number is below 1.
  func checkCount(_ owner: String, _ key: String, _ value: Int) throws {
    try HyperparameterRange.integer(atLeast: 1).check(owner, key, Double(value))
  }
}
