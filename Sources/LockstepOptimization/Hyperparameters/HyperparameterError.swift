import LockstepCatalog

/// A hyperparameter that cannot be used: where it stands, what it is and what is asked of it.
public struct HyperparameterError: Error, Equatable, CustomStringConvertible {
  /// The transform, preset, constraint or schedule: `adam`, `maxNorm on conv.weight`.
  package let owner: String
  /// The key: `beta1`.
  package let key: String
  /// The value as text.
  package let value: String
  /// What is wrong and what to do: `must be at least 0`.
  package let problem: String

  /// Makes an error with what its description says: "owner: key = value problem".
  public init(owner: String, key: String, value: String, problem: String) {
    self.owner = owner
    self.key = key
    self.value = value
    self.problem = problem
  }

  public var description: String { "\(owner): \(key) = \(value) \(problem)" }
}

extension HyperparameterError: KeyedError {}
