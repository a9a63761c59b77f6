import LockstepCatalog
import LockstepDatasets
import LockstepLayers
import LockstepOptimization
import LockstepTraining

/// Everything that a configuration can name, and the keys of its sections, as tables: what the `catalog`
/// command prints and the configuration reference holds.
package enum CatalogTables {
  /// Each kind with the key of a configuration that names one of it, and its form.
  private static let forms: [(kind: String, place: String, form: Form)] = [
    ("data", "data.type", DataCatalog.catalog.form),
    ("sampling", "data.sampling", SamplingConfiguration.form),
    ("augmentations", "data.augment", AugmentationCatalog.catalog.form),
    ("models", "model.type", ConfiguredModels.form),
    ("layers", "model.layers", LayerCatalog.catalog.form),
    (
      "initializers", "weightInitializer, biasInitializer of layers",
      InitializerCatalog.catalog.form
    ),
    ("losses", "loss.type", LossCatalog.catalog.form),
    ("metrics", "metrics", MetricCatalog.catalog.form),
    ("optimizers", "optimizer.type", OptimizerCatalog.catalog.form),
    ("schedules", "optimizer.schedule.type", ScheduleCatalog.catalog.form),
    ("clips", "clip.type", InnerClips.form),
    ("constraints", "constraints, constraint of layers", ConstraintCatalog.catalog.form),
    ("regularizers", "regularizers", RegularizerCatalog.catalog.form),
  ]

  /// Each table's name with what is in it: the key that names a thing, and the things; a section's keys.
  package static let contents: [(name: String, content: String)] =
    forms.map { kind, place, form in
      (kind, place + ": " + form.variants.map(\.name).joined(separator: ", "))
    } + sections.map { ($0.name, "keys of " + $0.keys.joined(separator: ", ")) }

  /// The sections of a configuration whose keys are tables, too.
  private static let sections: [(name: String, keys: [String])] = [
    (
      "run",
      [
        "seed", "batchSize", "shards", "microBatches", "epochs", "steps", "threads", "inputs",
        "update", "reduction", "wire", "bucketBytes", "convolutions", "nonFinite", "precision",
        "maxSeconds", "watchdog",
      ]
    ),
    ("columns", ["data.columns.NAME"]), ("heads", ["heads"]), ("groups", ["optimizer.groups"]),
    ("hessian-free", ["hessianFree"]),
    ("transfer", ["initialWeights", "freeze", "unfreeze", "freezeBatchNorm"]),
    ("distillation", ["distillation"]), ("average", ["average"]),
    ("rounds", ["evaluate", "earlyStopping", "checkpoint", "log", "replicaGuard"]),
  ]

  /// The names of all tables: kinds of things, and sections.
  package static let names = contents.map(\.name)

  /// A table in Markdown; nil where there is none of the name.
  package static func markdown(_ name: String) -> String? {
    if let form = forms.first(where: { $0.kind == name })?.form { return form.markdown }
    return section(name).map(KeyRow.markdown)
  }

  /// A table as plain text.
  package static func text(_ name: String) -> String? {
    if let form = forms.first(where: { $0.kind == name })?.form { return form.text }
    return section(name).map(KeyRow.text)
  }

  private static func section(_ name: String) -> [KeyRow]? {
    if name == "columns" { return ColumnForm.form.keys.flatMap(KeyRow.rows) }
    return sections.first { $0.name == name }.map { section in
      section.keys.flatMap { path in
        let steps = path.split(separator: ".").map(String.init)
        let form = steps.count == 1 ? RunConfiguration.form : OptimizerCatalog.catalog.form
        return form.keys.filter { $0.key == steps.last }.flatMap(KeyRow.rows)
      }
    }
  }
}
