import LockstepFiles

/// Windows of series, and the steps behind each that are to be predicted.
package struct SeriesForecast: DataContent {
  /// Which windows are taken.
  package enum Part: Sendable {
    /// All whose steps to predict are there.
    case all
    /// Those that lie before the cut of each series.
    case training
    /// Those whose steps to predict lie behind the cut of each series; what they see may lie before it.
    case test
    /// The last steps of each series, behind which nothing is known.
    case ahead
  }

  private let series: SeriesContent
  private let forecast: SeriesOptions.Forecast
  /// The features that are predicted.
  private let targets: [Int]
  /// The steps that means and deviations are fitted on.
  private let fitted: [Int]
  /// Each window's series and first step.
  private let windows: [(series: Int, step: Int)]
  private let isLabelled: Bool

  package var name: String { series.name }
  package var notices: [String] { series.notices }
  package var count: Int { windows.count }

  /// - Throws: `FileError` or ``DatasetError`` where a target is no column, or no series has the steps of a
  ///   window.
  package init(
    _ series: SeriesContent, _ forecast: SeriesOptions.Forecast, part: Part
  ) throws {
    var targets: [Int] = []
    for name in forecast.targets {
      guard let place = series.features.firstIndex(of: CellText.trimmed(name)) else {
        _ = try series.table.column(name)
        throw FileError(
          path: series.table.path, kind: .mismatch,
          reason: "the column \(name.quoted) is no feature, and only features can be forecast")
      }
      targets.append(place)
    }
    self.series = series
    self.forecast = forecast
    self.targets = targets
    isLabelled = if case .ahead = part { false } else { true }
    var windows: [(series: Int, step: Int)] = []
    var fitted: [Int] = []
    for index in 0..<series.count {
      let (start, end) = (series.starts[index], series.starts[index + 1])
      let cut = forecast.cut(start..<end)
      let needed = forecast.window + (isLabelled ? forecast.horizon : 0)
      let range: Range<Int> =
        switch part {
        case .all: start..<end
        case .training: start..<cut
        case .test: max(cut - forecast.window, start)..<end
        case .ahead: max(end - forecast.window, start)..<end
        }
      fitted += Array(range)
      guard range.count >= needed else { continue }
      let stride = if case .training = part { forecast.stride } else { 1 }
      windows += Swift.stride(
        from: range.lowerBound, through: range.upperBound - needed, by: stride
      )
      .map { (index, $0) }
    }
    guard !windows.isEmpty else {
      throw DatasetError(
        series.name,
        "no series has the \(forecast.window + (isLabelled ? forecast.horizon : 0)) steps of a window of "
          + "\(forecast.window)" + (isLabelled ? " and a horizon of \(forecast.horizon)" : "")
          + (forecast.testFraction == nil ? "" : " in this part")
          + ": the longest has \((0..<series.count).map(series.length).max() ?? 0); take shorter windows"
      )
    }
    self.windows = windows
    self.fitted = fitted
  }

  /// Windows overlap and follow each other in time: they have no strata.
  package func strata() throws -> [Int] {
    throw DatasetError(name, "holds windows of series, which cannot be cut by strata")
  }

  package func describe(_ rows: [Int]?) throws -> DataDescription {
    let table = series.columns(fittedOn: fitted)
    var target = TargetDescription(kind: .values(width: forecast.horizon * targets.count))
    if series.options.standardize {
      target.scale = .init(
        mean: targets.map { table.columns[$0].number.mean },
        deviation: targets.map { table.columns[$0].number.deviation })
    }
    return DataDescription(
      input: .series(
        SeriesDescription(
          layout: .steps, table: table, time: series.options.time, interval: series.interval,
          lengths: [forecast.window], varies: false,
          channelsFirst: series.options.channelsFirst, forecast: forecast)), target: target)
  }

  package func part(_ rows: [Int]?, as description: DataDescription) throws -> DataPart {
    guard rows == nil, case .series(let known) = description.input else {
      throw DatasetError(name, "holds windows of series, which cannot be cut by rows")
    }
    let (width, window) = (series.features.count, forecast.window)
    // Each step is brought to numbers once.
    let steps = try series.inputs(Array(0..<(series.starts.last ?? 0)), known)
    var inputs: [Float] = []
    var labels: [Float] = []
    inputs.reserveCapacity(windows.count * window * width)
    for (_, step) in windows {
      inputs += steps[step * width..<(step + window) * width]
      for ahead in 0..<forecast.horizon {
        for target in targets {
          labels.append(isLabelled ? steps[(step + window + ahead) * width + target] : 0)
        }
      }
    }
    let dataset = try Dataset(
      name: name, inputShape: known.shape,
      inputs: .floats(known.channelsFirst ? inputs.transposed([window, width]) : inputs),
      labels: .targets(labels, width: forecast.horizon * targets.count))
    return DataPart(
      dataset, places: places, ids: series.ids.map { ids in windows.map { ids[$0.series] } },
      isLabelled: isLabelled ? nil : windows.map { _ in false },
      summary: PartSummary(
        examples: count,
        columns: [
          .init("windows", Fingerprint(of: inputs)), .init("horizons", Fingerprint(of: labels)),
        ], blocks: []))
  }

  /// The rows and lines of the windows' last steps: what is predicted comes behind them.
  package var places: ExamplePlaces {
    let rows = windows.map { series.cells.row[$0.step + forecast.window - 1] }
    return ExamplePlaces(
      file: name, rows: rows.map { $0 + 1 }, lines: rows.map { series.table.line(ofRow: $0) })
  }
}

extension SeriesOptions.Forecast {
  /// The first step of a series' test part; its end where there is none.
  func cut(_ steps: Range<Int>) -> Int {
    guard let testFraction else { return steps.upperBound }
    return steps.upperBound - Int((Double(steps.count) * testFraction).rounded())
  }

  /// The names of a model's outputs: `load+1`, `load+2`, ….
  package var outputNames: [String] {
    (1...horizon).flatMap { ahead in targets.map { "\(CellText.trimmed($0))+\(ahead)" } }
  }
}
