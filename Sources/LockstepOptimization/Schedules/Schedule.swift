/// A learning rate as a function of the step, counted from 0.
///
/// Each kind has a file of its own, which names the PyTorch scheduler it equals, when that scheduler's
/// `step()` is called once after each optimizer step and the optimizer starts with the rate `initial`.
/// A program's own kinds are ``LearningRateSchedule``s. A number stands for a constant rate.
public struct Schedule: Sendable {
  /// The rule that gives the rate.
  package let rule: any LearningRateSchedule

  /// Makes a schedule that follows a rule.
  public init(_ rule: some LearningRateSchedule) { self.rule = rule }

  /// Throws a ``HyperparameterError`` where a number makes no sense.
  package func validate() throws { try rule.validate() }

  /// The rate at a step, at least 0, while no metric has reduced it.
  ///
  /// - Returns: a NaN for a step below 0 and for a schedule that `validate()` refuses.
  public func value(at step: Int) -> Double {
    guard step >= 0, (try? validate()) != nil else { return .nan }
    return rule.rate(at: step, reducedBy: 1)
  }

  /// The rate at a step when plateaus have multiplied it by `scale`. For rules that wrap a schedule;
  /// the step is at least 0 and the schedule valid.
  public func value(at step: Int, reducedBy scale: Double) -> Double {
    rule.rate(at: step, reducedBy: scale)
  }

  /// The reduction on plateaus that the schedule holds.
  public var plateau: ReduceOnPlateau? { rule.plateau }
}

extension Schedule: Equatable {
  public static func == (left: Self, right: Self) -> Bool { left.rule.isEqual(to: right.rule) }
}

extension Schedule: CustomStringConvertible {
  public var description: String { "\(rule)" }
}

extension Schedule: ExpressibleByFloatLiteral, ExpressibleByIntegerLiteral {
  /// A number is a constant rate.
  public init(floatLiteral value: Double) { self = .constant(value) }
  /// A number is a constant rate.
  public init(integerLiteral value: Int) { self = .constant(Double(value)) }
}
