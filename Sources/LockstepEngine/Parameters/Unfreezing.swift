/// Frozen parameters that begin to move while a run lasts: gradual unfreezing.
///
/// Until then they are as if they stayed frozen, and their state begins with their first update. (Howard &
/// Ruder 2018, "Universal Language Model Fine-tuning", section 3.3.)
public struct Unfreezing: Sendable, Equatable {
  /// When parameters begin to move, counted from 1 as logs do.
  package enum Moment: Sendable, Equatable {
    /// With the first step of an epoch.
    case epoch(Int)
    /// With a step.
    case step(Int)
  }

  /// Patterns of parameters, among those that are frozen.
  package let parameters: [String]
  /// When they begin to move.
  package let moment: Moment

  package init(_ parameters: [String], at moment: Moment) {
    self.parameters = parameters
    self.moment = moment
  }

  /// Parameters that begin to move with the first step of an epoch, counted from 1; 2 at the least.
  public static func fromEpoch(_ epoch: Int, _ parameters: [String]) -> Unfreezing {
    Unfreezing(parameters, at: .epoch(epoch))
  }

  /// Parameters that begin to move with a step, counted from 1; 2 at the least.
  public static func fromStep(_ step: Int, _ parameters: [String]) -> Unfreezing {
    Unfreezing(parameters, at: .step(step))
  }

  /// The number of steps before the first that moves the parameters.
  ///
  /// - Parameter stepsPerEpoch: the number of steps of each epoch.
  package func stepsBefore(stepsPerEpoch: Int) -> Int {
    switch moment {
    case .step(let step): return step - 1
    case .epoch(let epoch):
      let (steps, overflow) = stepsPerEpoch.multipliedReportingOverflow(by: epoch - 1)
      return overflow ? .max : steps
    }
  }

  func contains(_ name: String) -> Bool { parameters.contains { NameGlob($0).matches(name) } }
}
