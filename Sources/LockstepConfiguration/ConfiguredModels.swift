import LockstepCatalog
import LockstepFiles
import LockstepLayers
import LockstepONNX

/// The models that a run can train: those of the layers' module, and those of files.
enum ConfiguredModels {
  static let catalog = Catalog<any Model>(
    "model", ModelCatalog.catalog.entries + [ImportedModel.entry])

  /// A model: its `type` and keys, or `layers`.
  static let form = ModelCatalog.form(of: catalog)

  /// Makes the model that an object says.
  static func make(_ values: Hyperparameters) throws(ConfigurationError) -> any Model {
    try ModelCatalog.make(values, of: catalog)
  }
}
