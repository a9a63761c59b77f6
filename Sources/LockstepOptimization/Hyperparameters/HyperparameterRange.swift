import LockstepCatalog

/// The values a hyperparameter may take.
package enum HyperparameterRange: Sendable, Equatable {
  /// Any finite number.
  case number
  /// A finite number above 0.
  case positive
  /// A finite number of at least 0.
  case nonNegative
  /// A number in 0..<1: decay rates of running means.
  case decayRate
  /// A number in 0...1.
  case fraction
  /// A number from the first to the second.
  case interval(Double, Double)
  /// A whole number of at least the first value and at most the second.
  case integer(atLeast: Int, atMost: Int = largestInteger)

  /// The largest whole number where a range names none: sums and products with few steps stay exact.
  package static let largestInteger = 1_000_000_000_000_000

  /// Why `value` is out of range, or nil where it is inside.
  func problem(with value: Double) -> String? {
    switch self {
    case .number: value.isFinite ? nil : "must be finite"
    case .positive: value.isFinite && value > 0 ? nil : "must be a finite number above 0"
    case .nonNegative: value.isFinite && value >= 0 ? nil : "must be a finite number, at least 0"
    case .decayRate: value >= 0 && value < 1 ? nil : "must be at least 0 and below 1"
    case .fraction: value >= 0 && value <= 1 ? nil : "must lie between 0 and 1"
    case .interval(let least, let most):
      value >= least && value <= most ? nil : "must lie between \(least) and \(most)"
    case .integer(let least, let most):
      if value.isFinite, value == value.rounded(), value >= Double(least) {
        value <= Double(most) ? nil : "must be a whole number from \(least) to \(most)"
      } else {
        "must be a whole number, at least \(least)"
      }
    }
  }

  /// Throws where `value` is out of range.
  package func check(_ owner: String, _ key: String, _ value: Double) throws {
    if let problem = problem(with: value) {
      throw HyperparameterError(owner: owner, key: key, value: "\(value)", problem: problem)
    }
  }
}

extension HyperparameterKind {
  /// A number of steps or the like: small enough for sums and products to be exact.
  static func count(from least: Int) -> Self {
    .integer(least...HyperparameterRange.largestInteger)
  }
}
