/// What the target of a table means.
package enum TargetKind: String, Sendable, Equatable, CaseIterable {
  /// Classes: the integers 0, 1, …, or names, numbered in sorted order.
  case classes
  /// Numbers: for regression, and from 0 to 1 for binary cross-entropy.
  case values
  /// Yes or no, of one column or of several: 0 and 1, true and false, yes and no. For binary
  /// cross-entropy.
  case labels
}
