import LockstepCatalog
import LockstepFiles

/// The models that a configuration can name, and those that it makes of layers.
package enum ModelCatalog {
  /// The models by name, in the order of documentation.
  package static let catalog = Catalog<any Model>(
    "model",
    [
      Sequential.multilayerPerceptronEntry, Sequential.autoencoderEntry,
      Sequential.digitsCNNEntry, Sequential.leNetEntry,
    ] + ResNet.entries + [
      Sequential.conv1dClassifierEntry, Sequential.gruClassifierEntry,
      Sequential.characterLSTMEntry, GPT.entry,
    ])

  /// A model: a preset's `type` and keys, or `layers`.
  package static let form = form(of: catalog)

  /// A model of a catalog, or `layers`.
  package static func form(of catalog: Catalog<any Model>) -> Form {
    var form = catalog.form
    form.alternative = .layers("layers, one behind the other")
    return form
  }

  /// Makes the model that an object says, by a catalog's names.
  package static func make(
    _ values: Hyperparameters, of catalog: Catalog<any Model> = catalog
  ) throws(ConfigurationError) -> any Model {
    // A preset may have a key of that name: the number of its layers.
    guard values.name.isEmpty else { return try catalog.make(values) }
    return try values.make {
      guard !values.objects("layers").isEmpty else {
        throw values.error("layers", "must hold at least one layer")
      }
      return try LayerCatalog.sequential(values)
    }
  }
}
