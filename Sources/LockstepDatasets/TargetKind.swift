/// What the target of a table means.
package enum TargetKind: String, Sendable, Equatable, CaseIterable {
  /// Classes: the integers 0, 1, …, or names, numbered in sorted order.
  case classes
  /// Numbers: for regression, and from 0 to 1 for binary cross-entropy.
  case values
}

/// What becomes of a missing feature.
package enum MissingValues: Sendable, Equatable {
  /// It is an error that names line and column.
  case refuse
  /// It becomes this value.
  case fill(Double)
}
