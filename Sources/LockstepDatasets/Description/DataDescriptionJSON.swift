import LockstepFiles

/// A description as a file holds it.
extension DataDescription {
  /// The version of the format that this program writes, and the newest that it reads.
  package static let version = 1

  /// The key under which files of weights and checkpoints carry a description in their metadata.
  package static let metadataKey = "lockstep.data"

  /// The description in JSON.
  package var json: JSONValue {
    var object = JSONObject()
    object["version"] = .integer(Self.version)
    object["input"] = input.json
    object["target"] = target.json
    object["training"] = training?.json ?? .null
    object["test"] = test?.json ?? .null
    if let whole { object["whole"] = whole.json }
    return .object(object)
  }

  /// Reads a description.
  ///
  /// - Parameter source: the file's path, for errors.
  /// - Throws: `FileError` where it is none, or one of a newer version.
  package init(_ json: JSONValue, source: String) throws(FileError) {
    func refuse(_ reason: String) -> FileError {
      FileError(path: source, kind: .corrupt, reason: reason)
    }
    guard let version = json["version"]?.integerValue else {
      throw refuse("is no description of data")
    }
    guard version <= Self.version else {
      throw refuse(
        "has version \(version); this program reads versions up to \(Self.version): use the program "
          + "that wrote it")
    }
    guard let input = json["input"].flatMap(InputDescription.init),
      let target = json["target"].flatMap(TargetDescription.init)
    else { throw refuse("is a damaged description of data") }
    self.init(
      input: input, target: target, training: json["training"].flatMap(PartSummary.init),
      test: json["test"].flatMap(PartSummary.init),
      whole: json["whole"].flatMap(PartSummary.init))
  }

  /// Reads a description's text.
  package init(parsing text: [UInt8], source: String) throws(FileError) {
    let json: JSONValue
    do { json = try JSONValue.parse(text, source: source) } catch {
      throw FileError(
        path: source, kind: .corrupt, reason: "is a damaged description of data: \(error)")
    }
    try self.init(json, source: source)
  }
}

extension InputDescription {
  var json: JSONValue {
    switch self {
    case .columns(let table):
      [
        "kind": "columns",
        "columns": .array(table.columns.map(\.json)),
        "ignored": .array(table.ignored.map { .string($0) }),
        "id": table.id.map { .string($0) } ?? .null,
        "delimiter": .string(String(Character(table.delimiter))),
      ]
    case .array(let array):
      array.json
    case .tokens(let tokens): tokens.json
    case .series(let series): series.json
    }
  }

  init?(_ json: JSONValue) {
    switch json["kind"]?.stringValue {
    case "columns":
      guard let list = json["columns"]?.arrayValue, !list.isEmpty,
        let ignored = json["ignored"]?.texts,
        let delimiter = json["delimiter"]?.stringValue?.unicodeScalars.first
      else { return nil }
      let columns = list.compactMap(ColumnsDescription.Column.init)
      guard columns.count == list.count else { return nil }
      self = .columns(
        ColumnsDescription(
          columns: columns, ignored: ignored, id: json["id"]?.stringValue, delimiter: delimiter))
    case ArrayDescription.kind:
      guard let array = ArrayDescription(json) else { return nil }
      self = .array(array)
    case TokensDescription.kind:
      guard let tokens = TokensDescription(json) else { return nil }
      self = .tokens(tokens)
    case SeriesDescription.kind:
      guard let series = SeriesDescription(json) else { return nil }
      self = .series(series)
    default: return nil
    }
  }
}

extension ColumnsDescription.Column {
  fileprivate var json: JSONValue {
    [
      "name": .string(name), "kind": .string(kind.rawValue), "mean": .number(mean),
      "deviation": .number(deviation), "fill": fill.map { .number($0) } ?? .null,
    ]
  }

  fileprivate init?(_ json: JSONValue) {
    guard let name = json["name"]?.stringValue, json["kind"]?.stringValue == Kind.number.rawValue,
      let mean = json["mean"]?.doubleValue, let deviation = json["deviation"]?.doubleValue,
      mean.isFinite, deviation.isFinite, deviation > 0
    else { return nil }
    self.init(name, mean: mean, deviation: deviation, fill: json["fill"]?.doubleValue)
  }
}

extension TargetDescription {
  fileprivate var json: JSONValue {
    var object = JSONObject()
    object["column"] = column.map { .string($0) } ?? .null
    switch kind {
    case .classes(let classes):
      object["kind"] = "classes"
      object["count"] = .integer(classes.count)
      object["names"] = classes.names.map { .array($0.map { .string($0) }) } ?? .null
      object["absent"] = .array(classes.absent.map { .integer($0) })
    case .values(let width):
      object["kind"] = "values"
      object["width"] = .integer(width)
    }
    if perStep { object["perStep"] = true }
    if let scale { object["scale"] = scale.json }
    return .object(object)
  }

  fileprivate init?(_ json: JSONValue) {
    let column = json["column"]?.stringValue
    switch json["kind"]?.stringValue {
    case "classes":
      if let names = json["names"]?.texts {
        guard let classes = try? ClassNames(recorded: names) else { return nil }
        self.init(column: column, kind: .classes(classes))
      } else {
        guard let count = json["count"]?.integerValue, count > 0,
          let absent = json["absent"]?.arrayValue?.compactMap(\.integerValue)
        else { return nil }
        self.init(column: column, kind: .classes(ClassNames(count: count, absent: absent)))
      }
    case "values":
      guard let width = json["width"]?.integerValue, width > 0 else { return nil }
      self.init(column: column, kind: .values(width: width))
    default: return nil
    }
    perStep = json["perStep"]?.boolValue ?? false
    if let scale = json["scale"] {
      guard let scale = ArrayDescription.Normalization(scale) else { return nil }
      self.scale = scale
    }
  }
}

extension PartSummary {
  fileprivate var json: JSONValue {
    [
      "examples": .integer(examples), "fingerprint": .string(fingerprint.description),
      "columns": .array(
        columns.map { ["name": .string($0.name), "fingerprint": .string("\($0.fingerprint)")] }),
      "blocks": .array(blocks.map { .string($0.description) }),
    ]
  }

  fileprivate init?(_ json: JSONValue) {
    guard let examples = json["examples"]?.integerValue, let list = json["columns"]?.arrayValue,
      let blocks = json["blocks"]?.texts?.compactMap({ Fingerprint($0) })
    else { return nil }
    let columns = list.compactMap { column -> Column? in
      guard let name = column["name"]?.stringValue,
        let fingerprint = column["fingerprint"]?.stringValue.flatMap({ Fingerprint($0) })
      else { return nil }
      return Column(name, fingerprint)
    }
    guard columns.count == list.count else { return nil }
    self.init(examples: examples, columns: columns, blocks: blocks)
  }
}

extension JSONValue {
  /// The texts of an array of texts; nil for anything else.
  fileprivate var texts: [String]? {
    guard let elements = arrayValue else { return nil }
    let texts = elements.compactMap(\.stringValue)
    return texts.count == elements.count ? texts : nil
  }
}
