/// What `data` and `data.augment` can name: the rows of the tables. `DataCatalogTests` holds them
/// against what is read.
enum DataCatalog {
  private typealias Keys = [(name: String, fallback: String?)]

  /// Keys of all data that comes without a test part of its own.
  private static let cut: Keys = [
    ("testFraction", ""), ("folds", ""), ("fold", ""), ("splitSeed", "0"),
  ]
  /// Keys of all data.
  private static let order: Keys = [("augment", ""), ("shuffle", "true"), ("dropLast", "false")]

  static let types: [CatalogTables.Row] = [
    row("mnist-5k", "4,000 digits to train on, 1,000 to test on; embedded", order),
    row(
      "breast-cancer", "569 examples of 30 features, target 0 or 1; embedded",
      [("standardize", "true")] + cut + order),
    row(
      "idx", "files as MNIST has them, plain or gzip",
      [
        ("inputs", nil), ("labels", nil), ("testInputs", ""), ("testLabels", ""),
        ("classes", "10"), ("standardize", "true"), ("mean", ""), ("deviation", ""),
      ] + cut + order),
    row(
      "csv", "a table with a header, one row an example",
      [
        ("file", nil), ("target", nil), ("testFile", ""), ("targetKind", "classes"),
        ("ignore", ""), ("id", ""), ("classes", ""), ("fillMissing", ""), ("delimiter", ","),
        ("standardize", "true"),
      ] + cut + order),
    row(
      "blobs", "clouds of points, one a class; synthetic",
      [("examples", "1000"), ("features", "2"), ("classes", "2"), ("deviation", "1")] + cut
        + order),
    row(
      "linear", "a linear function with noise; synthetic",
      [("weights", nil), ("examples", "1000"), ("bias", "0"), ("noise", "0")] + cut + order),
    row(
      "images", "images of noise, brighter where their class's pattern is; synthetic",
      [("examples", "1024"), ("shape", "[1, 28, 28]"), ("classes", "10")] + cut + order),
  ]

  static let augmentations: [CatalogTables.Row] = [
    row(
      "shift", "moves an image by up to `pixels` in each direction; what comes in is black",
      [("pixels", nil)]),
    row(
      "crop", "surrounds an image by `padding` pixels and cuts its size out anywhere",
      [("padding", nil), ("border", "blank")]),
    row(
      "flip", "mirrors an image with a probability",
      [("axis", "horizontal"), ("probability", "0.5")]),
    row(
      "normalize", "(x − mean) / standardDeviation, a value a channel or one for all",
      [("mean", nil), ("standardDeviation", nil)]),
  ]

  private static func row(_ name: String, _ summary: String, _ keys: Keys) -> CatalogTables.Row {
    CatalogTables.Row(name: name, summary: summary, keys: keys)
  }
}
