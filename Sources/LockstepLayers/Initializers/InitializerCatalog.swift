import LockstepCatalog
import LockstepEngine

/// The initialisers that a configuration can name.
package enum InitializerCatalog {
  /// The initialisers, in the order of documentation.
  package static let catalog = Catalog<any Initializer>(
    "initializer",
    [
      VarianceScaling.glorotEntry, VarianceScaling.heEntry, VarianceScaling.leCunEntry,
      OrthogonalInitializer.entry, TruncatedNormalInitializer.entry, NormalInitializer.entry,
      UniformInitializer.entry, ConstantInitializer.entry, ConstantInitializer.zerosEntry,
      ConstantInitializer.onesEntry,
    ])
}
