/// What becomes of a step whose gradient, loss or statistic is not finite.
public enum NonFinitePolicy: Sendable, Equatable {
  /// The run ends with an error that says where it began.
  case stop
  /// The step changes nothing, on any rank; its examples are passed over. So many skipped steps in a
  /// row end the run. (optax's `apply_if_finite`, which goes on with the bad update instead.)
  case skip(limit: Int = 10)
  /// What is not finite leaves the shards' gradients before they are added; a step that cannot be
  /// mended, because no shard is left or the sum overflows, is skipped.
  case sanitize(Repair = .shards, limit: Int = 10)

  /// What sanitizing takes away.
  public enum Repair: String, Sendable, Equatable, CaseIterable {
    /// The shard: it counts as an empty one, with no example and no weight, so that the step is the
    /// mean over the others.
    case shards
    /// The values: NaN and ±∞ in a gradient become 0 and the shard keeps its weight (PyTorch's
    /// `nan_to_num` with zeros, optax's `zero_nans`). A shard whose loss, weight or statistics are
    /// not finite has nothing to keep and counts as an empty one.
    case values
  }

  /// How many skipped steps in a row end the run; nil where the first bad one does.
  package var limit: Int? {
    switch self {
    case .stop: nil
    case .skip(let limit), .sanitize(_, let limit): limit
    }
  }

  /// What is taken away from shards, if anything.
  package var repair: Repair? { if case .sanitize(let repair, _) = self { repair } else { nil } }

  /// Throws ``StepError/badOption(key:value:expected:)`` for a limit that makes no sense.
  package func validate() throws {
    if let limit, limit < 1 {
      throw StepError.badOption(
        key: "nonFinite.limit", value: "\(limit)", expected: "a positive integer")
    }
  }
}

/// What sanitizing took away in a step, the same on every rank.
package struct Sanitized: Sendable, Equatable {
  /// The shards that something was taken from, in order.
  package let shards: [Int]
  /// How many of them count as empty ones.
  package let dropped: Int
  /// How many values of the others became 0.
  package let values: Int
}
