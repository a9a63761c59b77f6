import Lockstep
import LockstepFiles
import LockstepPlatform

/// Predictions as people and programs read them: a row an example.
struct PredictionTable {
  /// How the rows are written.
  enum Format: String, CaseIterable {
    /// A line of JSON a row.
    case jsonl
    /// Comma-separated values with a header (RFC 4180).
    case csv
    /// A NumPy array of Float32, a row an example: probabilities where the loss is of classes or labels, else
    /// outputs in the target's unit.
    case npy

    /// The format that a name, or else the ending of a file's name, asks for.
    init(_ name: String?, output: String?) throws {
      guard let name else {
        let path = output?.lowercased() ?? ""
        self = path.hasSuffix(".csv") ? .csv : path.hasSuffix(".npy") ? .npy : .jsonl
        return
      }
      guard let format = Format(rawValue: name) else {
        throw ArgumentError(description: "'--format' must be jsonl, csv or npy; found '\(name)'")
      }
      if format == .npy, output == nil {
        throw ArgumentError(description: "'--format npy' needs '--output FILE'")
      }
      self = format
    }
  }

  private let outputs: [Float]
  private let rows: [PredictionRow]
  /// The first example.
  private let first: Int
  /// The number of outputs of an example.
  private let width: Int
  private let part: DataPart
  /// The names of the examples.
  private let ids: [String]?
  private let labels: Dataset.Labels
  private let target: TargetDescription
  /// The names of the outputs of a forecast, or of several targets; nil for another model.
  private let names: [String]?
  /// The field of named outputs.
  private let namesField: String
  private let loss: any LossFunction

  /// - Parameters:
  ///   - outputs: the model's outputs, one example's behind the other's.
  ///   - description: what the labels mean.
  ///   - loss: the loss of the labels, which says what the outputs mean.
  ///   - examples: those that the outputs are of.
  /// - Throws: ``DatasetError`` where the examples are windows of tokens.
  init(
    _ outputs: [Float], of part: DataPart, _ description: DataDescription,
    loss: any LossFunction, examples: Range<Int>
  ) throws {
    self.outputs = outputs
    labels = try part.labels
    first = examples.lowerBound
    width = outputs.count / max(examples.count, 1)
    rows = PredictionRow.rows(examples, of: part, width: width)
    self.part = part
    ids = try part.names(of: examples)
    target = description.target
    if case .series(let series) = description.input, let forecast = series.forecast {
      (names, namesField) = (forecast.outputNames, "forecast")
    } else {
      let columns = description.target.columns
      (names, namesField) = (columns.count > 1 ? columns : nil, "predictions")
    }
    self.loss = loss
  }

  /// Makes sure that all outputs are finite.
  ///
  /// - Throws: ``InputFailure`` that names the first row with one that is not.
  func check() throws {
    guard let place = outputs.firstIndex(where: { !$0.isFinite }) else { return }
    let example = first + place / width
    throw InputFailure(
      description: "\(part.places.file): \(part.places.text(example)): the model's output is "
        + "\(readable(Double(outputs[place]))): its weights or this row's values are too large")
  }

  /// The table's lines.
  ///
  /// - Parameter hasHeader: whether the header of CSV is the first.
  func text(_ format: Format, hasHeader: Bool) -> String {
    Self.text(rows.map(row), format, hasHeader: hasHeader)
  }

  /// The lines of rows.
  static func text(_ rows: [JSONObject], _ format: Format, hasHeader: Bool) -> String {
    switch format {
    case .npy: return ""
    case .jsonl:
      return rows.map { JSONValue.object($0).compactText + "\n" }.joined()
    case .csv:
      let table = rows.map { flat($0) }
      guard let header = table.first?.map(\.name) else { return "" }
      return ((hasHeader ? [header] : []) + table.map { $0.map(\.text) })
        .map { $0.map(Self.quoted).joined(separator: ",") + "\n" }.joined()
    }
  }

  // MARK: Arrays

  /// The shape of one example's values in an array: of a step's where each step is predicted.
  var arrayShape: [Int] {
    guard let first = rows.first, rows.contains(where: { $0.step != nil }) else { return [width] }
    return [width / first.outputs.count, first.outputs.count]
  }

  /// The values as NumPy has them: of an example without so many steps, zeros behind.
  var arrayBytes: [UInt8] {
    var values = [Float](repeating: 0, count: outputs.count)
    for row in rows { values.replaceSubrange(row.outputs, with: meaning(of: row)) }
    return values.flatMap { value in
      withUnsafeBytes(of: value.bitPattern.littleEndian) { Array($0) }
    }
  }

  /// Probabilities, or outputs in the target's unit.
  private func meaning(of row: PredictionRow) -> [Float] {
    let values = Array(outputs[row.outputs])
    switch loss {
    case is SoftmaxCrossEntropy: return Self.softmax(values)
    case is BinaryCrossEntropy, is Focal: return values.map(Self.sigmoid)
    default: return unscaled(values)
    }
  }

  /// Outputs in the target's unit. Each target has as many side by side as the loss has levels of quantiles.
  private func unscaled(_ values: [Float]) -> [Float] {
    guard target.scale != nil else { return values }
    let outputs = (loss as? Quantile)?.levels.count ?? 1
    return values.enumerated().map { target.unscaled($1, at: $0 / outputs) }
  }

  private static func sigmoid(_ value: Float) -> Float { Float(1 / (1 + exp(-Double(value)))) }

  // MARK: Rows

  private func row(_ row: PredictionRow) -> JSONObject {
    var object = head(row)
    for (key, value) in answer(row).members { object[key] = value }
    return object
  }

  /// Which example a row is of.
  func head(ofRow place: Int) -> JSONObject { head(rows[place]) }

  /// What is predicted in a row.
  func answer(ofRow place: Int) -> JSONObject { answer(rows[place]) }

  private func head(_ row: PredictionRow) -> JSONObject {
    var object = JSONObject()
    object["row"] = .integer(part.places.row(row.example))
    if let ids { object["id"] = .string(ids[row.example - first]) }
    if let step = row.step { object["step"] = .integer(step + 1) }
    return object
  }

  private func answer(_ row: PredictionRow) -> JSONObject {
    let values = unscaled(Array(outputs[row.outputs]))
    var object = JSONObject()
    switch loss {
    case is SoftmaxCrossEntropy:
      let probabilities = Self.softmax(values)
      let best = values.indices.max { values[$0] < values[$1] } ?? 0
      object["class"] = name(best)
      object["probability"] = Self.short(probabilities[best])
      addLabel(row.label, to: &object)
      var all = JSONObject()
      for (index, probability) in probabilities.enumerated() {
        all[target.classes?.name(index) ?? "\(index)"] = Self.short(probability)
      }
      object["probabilities"] = .object(all)
    case is BinaryCrossEntropy, is Focal:
      let probabilities = values.map(Self.sigmoid)
      if values.count == 1 { object["probability"] = Self.short(probabilities[0]) }
      addLabel(row.label, to: &object)
      object["probabilities"] =
        names.map { .object(named(probabilities, $0)) } ?? .array(probabilities.map(Self.short))
    case let loss as Quantile where loss.levels.count > 1:
      addQuantiles(values, loss, to: &object)
      addLabel(row.label, to: &object)
    default:
      addNumbers(values, to: &object)
      addLabel(row.label, to: &object)
    }
    object["outputs"] = .array(values.map(Self.short))
    return object
  }

  /// The predicted numbers, by the names of several.
  private func addNumbers(_ values: [Float], to object: inout JSONObject) {
    if let names {
      object[namesField] = .object(named(values, names))
    } else if values.count == 1 {
      object["prediction"] = Self.short(values[0])
    }
  }

  /// The quantile nearest to the median as the prediction, and all quantiles by their levels.
  private func addQuantiles(_ values: [Float], _ loss: Quantile, to object: inout JSONObject) {
    let count = loss.levels.count
    let targets = values.count / count
    addNumbers((0..<targets).map { values[$0 * count + loss.middle] }, to: &object)
    func quantiles(_ target: Int) -> JSONValue {
      .object(
        named(Array(values[target * count..<(target + 1) * count]), loss.levels.map { "\($0)" }))
    }
    if let names {
      var all = JSONObject()
      for (target, name) in names.prefix(targets).enumerated() { all[name] = quantiles(target) }
      object["quantiles"] = .object(all)
    } else if targets == 1 {
      object["quantiles"] = quantiles(0)
    }
  }

  /// The label, where the data has labels; null where this example has none.
  private func addLabel(_ place: Int, to object: inout JSONObject) {
    guard let isLabelled = part.isLabelled else {
      object["label"] = label(place)
      return
    }
    if isLabelled.contains(true) {
      object["label"] = isLabelled[place] ? label(place) : .null
    }
  }

  private func label(_ place: Int) -> JSONValue {
    switch labels {
    case .classes(let classes, _): return name(Int(classes[place]))
    case .targets(let values, let width):
      let values = values[place * width..<(place + 1) * width].enumerated().map {
        target.unscaled($1, at: $0)
      }
      if let names { return .object(named(values, names)) }
      return width == 1 ? Self.short(values[0]) : .array(values.map(Self.short))
    }
  }

  private func named(_ values: [Float], _ names: [String]) -> JSONObject {
    var object = JSONObject()
    for (name, value) in zip(names, values) { object[name] = Self.short(value) }
    return object
  }

  /// A class by its name, or by its number where classes have no names.
  private func name(_ number: Int) -> JSONValue {
    guard let classes = target.classes, classes.names != nil else { return .integer(number) }
    return .string(classes.name(number))
  }

  /// Computed in Float64; the outputs behind them have no more digits than Float32.
  private static func softmax(_ values: [Float]) -> [Float] {
    let most = values.max() ?? 0
    let powers = values.map { exp(Double($0 - most)) }
    let sum = powers.reduce(0, +)
    return powers.map { Float($0 / sum) }
  }

  /// A Float32 number with as many digits as tell it from its neighbours.
  private static func short(_ value: Float) -> JSONValue {
    .number(Double("\(value)") ?? Double(value))
  }

  // MARK: CSV

  /// A row's cells, lists taken apart: `probability_cat`, `output_1`; those of a head behind its name,
  /// `species_probability_cat`.
  private static func flat(
    _ row: JSONObject, behind prefix: String = ""
  ) -> [(name: String, text: String)] {
    let singular = [
      "probabilities": "probability", "outputs": "output", "predictions": "prediction",
      "quantiles": "quantile",
    ]
    return row.members.flatMap { key, value -> [(name: String, text: String)] in
      let name = prefix + (singular[key] ?? key)
      switch value {
      case .object(let members) where members["outputs"] != nil:
        return flat(members, behind: "\(key)_")
      case .object(let members):
        return members.members.flatMap { key, value -> [(name: String, text: String)] in
          guard case .object(let inner) = value else {
            return [("\(name)_\(key)", Self.cell(value))]
          }
          return inner.members.map { ("\(name)_\(key)_\($0.key)", Self.cell($0.value)) }
        }
      case .array(let elements) where elements.count == 1:
        // One probability stands in its own column already.
        return row[singular[key] ?? key] == nil ? [(name, Self.cell(elements[0]))] : []
      case .array(let elements):
        return elements.enumerated().map { ("\(name)_\($0.offset + 1)", Self.cell($0.element)) }
      default: return [(name, Self.cell(value))]
      }
    }
  }

  private static func cell(_ value: JSONValue) -> String {
    switch value {
    case .null: ""
    case .string(let text): text
    default: value.compactText
    }
  }

  private static func quoted(_ cell: String) -> String {
    guard cell.contains(where: { $0 == "," || $0 == "\"" || $0.isNewline }) else { return cell }
    return "\""
      + cell.split(separator: "\"", omittingEmptySubsequences: false)
      .joined(separator: "\"\"") + "\""
  }
}
