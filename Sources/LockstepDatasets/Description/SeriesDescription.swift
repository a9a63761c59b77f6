import LockstepFiles

/// Series of steps: what a step holds, how steps are found in a table, and what they are padded to.
package struct SeriesDescription: Sendable, Equatable {
  static let kind = "series"

  /// What a row of a table is.
  package var layout: SeriesOptions.Layout
  /// The features of a step; of a table with a row a series one without a name. The id is the column that
  /// names the series.
  package var table: ColumnsDescription
  /// The names of the columns of steps, where a row is a series.
  package var steps: [String]
  /// The column by which steps are ordered; nil for the order of the rows.
  package var time: String?
  /// How far steps lie apart; nil where that does not matter.
  package var interval: Double?
  /// The lengths that series are padded to; one alone where all have it.
  package var lengths: [Int]
  /// Whether series may be shorter than the longest length.
  package var varies: Bool
  /// Whether inputs of one length are [features, T].
  package var channelsFirst: Bool
  /// What is forecast; nil where a column is the target.
  package var forecast: SeriesOptions.Forecast?

  /// The shape of one example's input, the longest where they differ.
  package var shape: [Int] {
    let (steps, width) = (forecast?.window ?? lengths.last ?? 1, table.columns.count)
    return channelsFirst ? [width, steps] : [steps, width]
  }

  /// What they are, in words.
  package var summary: String {
    let features = counted(table.columns.count, "feature")
    if let forecast {
      return "windows of \(counted(forecast.window, "step")) of \(features)"
    }
    return
      "series of \(varies ? "at most " : "")\(counted(lengths.last ?? 0, "step")) of \(features)"
  }

  /// The padded lengths; nil where all series have one length.
  var padding: PaddedLengths? { varies ? PaddedLengths(lengths) : nil }

  // MARK: JSON

  var json: JSONValue {
    var object = JSONObject()
    object["kind"] = .string(Self.kind)
    object["layout"] = .string(layout.rawValue)
    object["table"] = table.json
    object["steps"] = .array(steps.map { .string($0) })
    object["time"] = time.map { .string($0) } ?? .null
    object["interval"] = interval.map { .number($0) } ?? .null
    object["lengths"] = .array(lengths.map { .integer($0) })
    object["varies"] = .bool(varies)
    object["channelsFirst"] = .bool(channelsFirst)
    object["forecast"] =
      forecast.map {
        [
          "targets": .array($0.targets.map { .string($0) }), "window": .integer($0.window),
          "horizon": .integer($0.horizon), "stride": .integer($0.stride),
          "testFraction": $0.testFraction.map { .number($0) } ?? .null,
        ]
      } ?? .null
    return .object(object)
  }

  init?(_ json: JSONValue) {
    guard let layout = json["layout"]?.stringValue.flatMap(SeriesOptions.Layout.init),
      let table = json["table"].flatMap(ColumnsDescription.init),
      let steps = json["steps"]?.arrayValue?.compactMap(\.stringValue),
      let lengths = json["lengths"]?.arrayValue?.compactMap(\.integerValue),
      PaddedLengths(lengths) != nil,
      let varies = json["varies"]?.boolValue,
      let channelsFirst = json["channelsFirst"]?.boolValue
    else { return nil }
    self.init(
      layout: layout, table: table, steps: steps, time: json["time"]?.stringValue,
      interval: json["interval"]?.doubleValue, lengths: lengths, varies: varies,
      channelsFirst: channelsFirst)
    guard let object = json["forecast"], object != .null else { return }
    guard let forecast = SeriesOptions.Forecast(object),
      Set(forecast.targets).isSubset(of: table.columns.map(\.name))
    else { return nil }
    self.forecast = forecast
  }

  init(
    layout: SeriesOptions.Layout, table: ColumnsDescription, steps: [String] = [],
    time: String? = nil, interval: Double? = nil, lengths: [Int], varies: Bool,
    channelsFirst: Bool = false, forecast: SeriesOptions.Forecast? = nil
  ) {
    self.layout = layout
    self.table = table
    self.steps = steps
    self.time = time
    self.interval = interval
    self.lengths = lengths
    self.varies = varies
    self.channelsFirst = channelsFirst
    self.forecast = forecast
  }
}

extension SeriesOptions.Forecast {
  fileprivate init?(_ json: JSONValue) {
    guard let targets = json["targets"]?.arrayValue?.compactMap(\.stringValue), !targets.isEmpty,
      let window = json["window"]?.integerValue, let horizon = json["horizon"]?.integerValue,
      let stride = json["stride"]?.integerValue, window > 0, horizon > 0, stride > 0
    else { return nil }
    self.init(
      targets: targets, window: window, horizon: horizon, stride: stride,
      testFraction: json["testFraction"]?.doubleValue)
  }
}

extension SeriesOptions {
  /// What the options were that training described a table by.
  init(_ description: SeriesDescription, _ target: TargetDescription) {
    self.init(description.layout)
    series = description.table.id
    time = description.time
    allowsGaps = description.interval == nil
    self.target = target.column
    perStep = target.perStep
    kind = target.classes == nil ? .values : .classes
    classes = target.classes
    ignoring = description.table.ignored
    missing = description.table.columns.first?.number.fill.map { .fill($0) } ?? .refuse
    forecast = description.forecast
    dialect = description.table.dialect
  }
}
