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

  /// Makes a choice with patterns of parameters and of batch normalisations; by default of nothing.
  public init(parameters: [String] = [], batchNorms: [String] = []) {
    self.parameters = parameters
    self.batchNorms = batchNorms
  }

  /// Whether a parameter is frozen.
  package func freezes(parameter name: String) -> Bool {
    parameters.contains { NameGlob($0).matches(name) }
  }

  /// Whether the statistics of a layer are frozen.
  package func freezes(batchNorm name: String) -> Bool {
    batchNorms.contains { NameGlob($0).matches(name) }
  }
}
