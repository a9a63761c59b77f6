import LockstepCatalog
import LockstepDatasets
import LockstepFiles

/// The kinds of data that a configuration can name.
enum DataCatalog {
  /// The kinds, in the order of documentation.
  static let catalog = Catalog<any DataSource>(
    "data",
    [
      DigitsSource.entry, BreastCancerSource.entry, ArraySource.idx, ArraySource.arrays,
      ImageFolderSource.entry, CIFARSource.entry, CSVSource.entry,
      SeriesSource.steps, SeriesSource.rows, ForecastSource.entry, TextRowsSource.entry,
      SyntheticSource.blobs, SyntheticSource.linear, SyntheticSource.images,
      SyntheticSource.mnist1D, SyntheticSource.addingProblem, SyntheticSource.copyMemory,
      TextSource.kingJames, TextSource.entry, TokensSource.entry,
    ])
}

extension Hyperparameter {
  static var standardize: Self {
    .with(
      "standardize", .boolean, true,
      "whether features are brought to mean 0 and deviation 1, fitted on the training part")
  }
}

extension [Hyperparameter] {
  /// Keys of all data that may come without a test part.
  static var cut: Self {
    [
      .optional(
        "testFraction", .number(NumberRange(above: 0, below: 1)),
        "cuts a test part of this size, stratified, where the data has none"),
      .optional("folds", .integer(atLeast: 2), "the number of parts of a cross-validation"),
      .optional("fold", .integer(atLeast: 0), "the part that is the test part"),
      .with("splitSeed", .integer(atLeast: 0), 0, "keys the cut"),
    ]
  }

  /// Keys of all data.
  static var order: Self {
    [
      .optional(
        "augment", .objects { AugmentationCatalog.catalog.form }, "changes to images, in order")
    ] + plainOrder
  }

  /// Keys of all data, of sequences too.
  static var plainOrder: Self {
    [
      .with(
        "shuffle", .boolean, true, "whether each epoch has a random order, or the data's own"),
      .optional(
        "shuffleBlock", .size,
        "the number of neighbours that stay near each other, where data lies on a disk",
        absence: "all examples are shuffled"),
      .optional(
        "shuffleBuffer", .size, "the number of blocks whose examples are mixed at a time",
        absence: "16"),
      .with(
        "dropLast", .boolean, false,
        "whether an epoch's last batch is left out where it is not full"),
      .optional(
        "sampling", .object { SamplingConfiguration.form },
        "draws training examples with replacement, in the place of each once an epoch"),
    ]
  }
}

extension DataConfiguration {
  /// Makes what `data` says.
  ///
  /// - Parameters:
  ///   - seed: the run's.
  ///   - batchSize: the run's number of examples of a batch.
  ///   - heads: what several heads of the model predict; none for one.
  package init(
    _ values: Hyperparameters, seed: UInt64, batchSize: Int, heads: [TableHead] = []
  ) throws(ConfigurationError) {
    source = try DataCatalog.catalog.make(values).with(heads: heads, values)
    cut = source.cutsItself ? .none : try Self.cut(values)
    if source.hasTest, case .none = cut {
    } else if source.hasTest {
      throw values.error(
        values.contains("testFraction") ? "testFraction" : "folds",
        "cuts a test part, and the data comes with one; remove it, or set it to null")
    }
    ownTest = Self.ownTest(values)
    self.seed = seed
    self.batchSize = batchSize
    splitSeed = UInt64(values["splitSeed"] as Int? ?? 0)
    splitColumns = (values["groupBy"], values["orderBy"])
    try Self.checkSplitColumns(values, cut)
    augment = try AugmentConfiguration(values.objects("augment"))
    identity = [
      "data": values.resolved, "seed": source.isSeeded ? .string("\(seed)") : .null,
      "batchSize": source.followsBatchSize ? .integer(batchSize) : .null,
      "heads": .string(heads.isEmpty ? "" : "\(heads)"),
    ]
    let keys = values.resolved.objectValue?.keys ?? []
    recipeKeys = source.isSeeded ? Set(keys).subtracting([Hyperparameter].order.map(\.key)) : []
    shuffle = values["shuffle"]
    blocks = (values["shuffleBlock"] as Int?).map {
      BlockShuffling(block: $0, buffer: values["shuffleBuffer"] ?? 16)
    }
    if blocks == nil, values.contains("shuffleBuffer") {
      throw values.error("shuffleBuffer", "goes with 'shuffleBlock'; give both, or neither")
    }
    if blocks != nil, !shuffle {
      throw values.error("shuffleBlock", "has no effect where 'shuffle' is false; remove it")
    }
    dropLast = values["dropLast"]
    sampling = try values.object("sampling").map { object throws(ConfigurationError) in
      try SamplingConfiguration(object)
    }
    if sampling != nil, !heads.isEmpty {
      throw values.error(
        "sampling", "does not go with 'heads': the labels of one target would say what is drawn")
    }
    if sampling != nil, !shuffle {
      throw values.error("shuffle", "is false, and 'sampling' draws examples at random")
    }
  }

  /// What is to be said where the test part is the training part.
  private static func ownTest(_ values: Hyperparameters) -> String? {
    let pairs = [("file", "testFile"), ("inputs", "testInputs"), ("folder", "testFolder")]
    return pairs.first {
      values.contains($0.1) && values.resolved[$0.0] == values.resolved[$0.1]
    }.map {
      "'data.\($0.1)' names what '\($0.0)' names: the model is tested on what it is trained on"
    }
  }

  private static func checkSplitColumns(
    _ values: Hyperparameters, _ cut: Cut
  ) throws(ConfigurationError) {
    let (group, time): (String?, String?) = (values["groupBy"], values["orderBy"])
    guard let key = group != nil ? "groupBy" : time != nil ? "orderBy" : nil else { return }
    if group != nil, time != nil {
      throw values.error(
        "groupBy", "and 'orderBy' both say how a test part is cut; give one of the two")
    }
    switch cut {
    case .none:
      throw values.error(
        key,
        "says how a test part is cut, and none is: set 'testFraction'"
          + (group == nil ? "" : ", or 'folds' and 'fold'"))
    case .fold where time != nil:
      throw values.error(
        key,
        "cuts one test part, the last by time, and 'folds' cut many: set 'testFraction' instead")
    case .fold, .fraction: break
    }
  }

  private static func cut(_ values: Hyperparameters) throws(ConfigurationError) -> Cut {
    let (fold, folds): (Int?, Int?) = (values["fold"], values["folds"])
    if let fraction = values["testFraction"] as Double? {
      if folds != nil || fold != nil {
        throw values.error("testFraction", "and 'folds' both cut a test part; give one of the two")
      }
      return .fraction(fraction)
    }
    switch (fold, folds) {
    case (nil, nil): return .none
    case (let fold?, let folds?):
      guard fold < folds else {
        throw values.error("fold", "must be less than 'folds', \(folds); found \(fold)")
      }
      return .fold(fold, of: folds)
    case (nil, _): throw values.error("fold", "is missing; 'folds' says how many there are")
    case (_, nil): throw values.error("folds", "is missing; 'fold' is one of them")
    }
  }
}
