import LockstepCatalog
import LockstepEngine

/// The weight constraints that a configuration can name.
package enum ConstraintCatalog {
  /// The constraints, in the order of documentation.
  package static let catalog = Catalog<WeightConstraint>(
    "constraint",
    [
      WeightConstraint.maxNormEntry, WeightConstraint.unitNormEntry,
      WeightConstraint.nonNegativeEntry, WeightConstraint.minMaxNormEntry,
      WeightConstraint.valueBoxEntry, WeightConstraint.ballEntry,
      WeightConstraint.spectralNormEntry, WeightConstraint.spectralSphereEntry,
      WeightConstraint.spectralCapEntry, WeightConstraint.initialNormEntry,
      WeightConstraint.initialBoxEntry, WeightConstraint.orthogonalEntry,
      WeightConstraint.l1BallEntry, WeightConstraint.qkClipEntry,
    ]
  ).number { ["type": "maxNorm", "limit": $0] }
}
