/// What of a model is left as it is, by patterns of names: `*` stands for any run of characters, `?`
/// for one.
///
/// A frozen parameter gets no gradient, costs no communication, has no optimizer state and never
/// moves, by weight decay and constraints neither. A frozen batch normalisation uses its running
/// statistics in training too, and leaves them alone; its scale and shift are parameters like others.
public struct Freezing: Sendable, Equatable {
  /// Patterns of parameters: `features.*`, `*.weight`.
  package var parameters: [String]
  /// Patterns of the names of batch normalisations: `features.*`.
  package var batchNorms: [String]
  /// Which of the parameters begin to move while the run lasts.
  package var unfreezing: [Unfreezing]

  /// Makes a choice with patterns of parameters and of batch normalisations; by default of nothing.
  ///
  /// - Parameter unfreezing: which of the parameters begin to move while the run lasts, and when.
  public init(
    parameters: [String] = [], batchNorms: [String] = [], unfreezing: [Unfreezing] = []
  ) {
    self.parameters = parameters
    self.batchNorms = batchNorms
    self.unfreezing = unfreezing
  }

  /// Whether a parameter is frozen for the whole run.
  package func freezes(parameter name: String) -> Bool {
    holds(name) && !unfreezing.contains { $0.contains(name) }
  }

  /// Whether a parameter is frozen when the run begins.
  func holds(_ name: String) -> Bool { parameters.contains { NameGlob($0).matches(name) } }

  /// The number of steps before the first that moves each of these parameters.
  ///
  /// - Parameters:
  ///   - names: parameters that are not frozen for the whole run.
  ///   - stepsPerEpoch: the number of steps of each epoch.
  package func stepsBeforeMoving(_ names: [String], stepsPerEpoch: Int) -> [Int] {
    names.map { name in
      guard holds(name) else { return 0 }
      return unfreezing.filter { $0.contains(name) }
        .map { $0.stepsBefore(stepsPerEpoch: stepsPerEpoch) }.min() ?? 0
    }
  }

  /// Whether the statistics of a layer are frozen.
  package func freezes(batchNorm name: String) -> Bool {
    batchNorms.contains { NameGlob($0).matches(name) }
  }
}
