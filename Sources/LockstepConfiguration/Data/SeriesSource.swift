import LockstepCatalog
import LockstepDatasets

/// Tables of series, one row a step or one row a series.
struct SeriesSource: DataSource {
  /// What has a target.
  private enum Unit: String, CaseIterable, HyperparameterValue {
    case series
    case step
  }

  let file: String
  let testFile: String?
  let options: SeriesOptions

  var dialect: CSVDialect? { options.dialect }
  var hasTest: Bool { testFile != nil }

  func training(_ reading: DataReading) throws -> any DataContent {
    try reading.series(
      CSVTable.read(file, options.dialect, texts: options.texts), name: file, options)
  }

  func test(_ reading: DataReading) throws -> (any DataContent)? {
    guard let testFile, reading.description != nil else { return nil }
    return try reading.series(
      CSVTable.read(testFile, options.dialect, texts: options.texts), name: testFile, options)
  }

  static let steps = Entry<any DataSource>(
    "series", "a table of series, one row a step",
    [
      .required("file", .file, "the table"),
      .required("series", .text, "the column that names a row's series"),
      .required("target", .text, "the column that is to be predicted"),
      .optional("testFile", .file, "the table of the test part"),
      .with(
        "targetPer", Unit.series,
        "whether each series has a target, the same in all of its rows, or each "
          + "step its own"),
    ] + .seriesTime + keys
  ) { values in try source(values, .steps) }

  static let rows = Entry<any DataSource>(
    "series-rows", "a table of series, one row a series, whose steps are columns",
    [
      .required("file", .file, "the table; empty cells at the end of a row end a shorter series"),
      .required("target", .text, "the column that is to be predicted"),
      .optional("testFile", .file, "the table of the test part"),
      .optional("id", .text, "the column that names series in predictions"),
    ] + keys
  ) { values in try source(values, .rows) }

  private static var keys: [Hyperparameter] {
    [
      .targetKind, .targetClasses, .standardizeTarget,
    ] + .seriesTable + [
      .optional(
        "lengths", .integers(1...PaddedLengths.limit, count: 1...64),
        "the lengths that series are padded to, in ascending order",
        absence: "powers of two; none where all have one length")
    ] + .cut + .plainOrder
  }

  private static func source(
    _ values: Hyperparameters, _ layout: SeriesOptions.Layout
  ) throws -> SeriesSource {
    var options = try SeriesOptions(values, layout)
    options.target = values["target"]
    let target = try TargetKeys(values)
    options.kind = target.kind
    options.classes = target.classes
    options.standardizesTarget = target.standardizes
    switch layout {
    case .steps:
      let unit: Unit = values["targetPer"]
      options.perStep = unit == .step
      if options.perStep, options.channelsFirst {
        throw values.error(
          "channelsFirst", "goes with one target a series; 'targetPer' is 'step'")
      }
    case .rows: options.series = values["id"]
    }
    if let lengths = try values.paddedLengths() {
      if options.channelsFirst {
        throw values.error(
          "lengths", "cannot be combined with 'channelsFirst'; give one of the two")
      }
      options.lengths = lengths
    }
    return SeriesSource(file: values["file"], testFile: values["testFile"], options: options)
  }
}

/// Windows of series, to predict the steps behind them.
struct ForecastSource: DataSource {
  let file: String
  let testFile: String?
  let options: SeriesOptions
  let forecast: SeriesOptions.Forecast

  var dialect: CSVDialect? { options.dialect }
  var hasTest: Bool { testFile != nil || forecast.testFraction != nil }
  var cutsItself: Bool { true }

  func training(_ reading: DataReading) throws -> any DataContent {
    try read(file, reading, forecast.testFraction == nil ? .all : .training)
  }

  func test(_ reading: DataReading) throws -> (any DataContent)? {
    guard hasTest, reading.description != nil else { return nil }
    return try read(testFile ?? file, reading, testFile == nil ? .test : .all)
  }

  private func read(
    _ file: String, _ reading: DataReading, _ part: SeriesForecast.Part
  ) throws -> any DataContent {
    let table = try CSVTable.read(file, options.dialect, texts: options.texts)
    return try SeriesForecast(
      try reading.series(table, name: file, options), forecast, part: part)
  }

  static let entry = Entry<any DataSource>(
    "forecast", "windows of series, one row a step, to predict the steps behind them",
    [
      .required("file", .file, "the table"),
      .required("targets", .texts, "the columns whose next values are predicted"),
      .with("window", .size, 24, "the number of steps that are seen"),
      .with("horizon", .size, 1, "the number of steps that are predicted"),
      .with("stride", .size, 1, "the distance between windows of the training part"),
      .optional("testFile", .file, "the table of the test part"),
      .optional(
        "testFraction", .number(NumberRange(above: 0, below: 1)),
        "the end of each series of this size is the test part, where there is no test file"),
      .optional("series", .text, "the column that names a row's series", absence: "one series"),
    ] + .seriesTime + .seriesTable + .plainOrder
  ) { values in
    var options = try SeriesOptions(values, .steps)
    let testFraction: Double? = values["testFraction"]
    if values.contains("testFile"), testFraction != nil {
      throw values.error(
        "testFraction", "and 'testFile' both make a test part; give one of the two")
    }
    let targets: [String] = values["targets"]
    guard !targets.isEmpty, Set(targets).count == targets.count else {
      throw values.error("targets", "must name at least one column, and each once")
    }
    let forecast = SeriesOptions.Forecast(
      targets: targets, window: values["window"], horizon: values["horizon"],
      stride: values["stride"], testFraction: testFraction)
    options.forecast = forecast
    return ForecastSource(
      file: values["file"], testFile: values["testFile"], options: options, forecast: forecast)
  }
}

extension [Hyperparameter] {
  /// Of tables with a row a step.
  fileprivate static var seriesTime: Self {
    [
      .optional(
        "time", .text, "the column by which steps are ordered: numbers, or dates",
        absence: "the order of the rows"),
      .with(
        "allowGaps", .boolean, false,
        "whether steps may lie further apart than others; if not, a gap is an error"),
    ]
  }

  /// Of all tables of series.
  fileprivate static var seriesTable: Self {
    [
      .with("ignore", .texts, [], "columns that are left out"),
      .optional(
        "fillMissing", .number(.float32),
        "what stands for missing values, which are errors if absent"),
    ] + .dialect + [
      .standardize,
      .with(
        "channelsFirst", .boolean, false,
        "whether inputs are [features, T], for convolutions, and not [T, features]"),
    ]
  }
}

extension SeriesOptions {
  /// What all kinds of tables of series have.
  fileprivate init(_ values: Hyperparameters, _ layout: Layout) throws {
    self.init(layout)
    ignoring = values["ignore"]
    missing = (values["fillMissing"] as Double?).map { .fill($0) } ?? .refuse
    dialect = try CSVDialect(values)
    standardize = values["standardize"]
    channelsFirst = values["channelsFirst"]
    guard layout == .steps else { return }
    series = values["series"]
    time = values["time"]
    allowsGaps = values["allowGaps"]
    if allowsGaps, time == nil {
      throw values.error("allowGaps", "goes with 'time', the column that shows gaps")
    }
  }
}
