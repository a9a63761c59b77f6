import LockstepFiles

/// A description as a file holds it.
extension DataDescription {
  /// The version of the format that this program writes, and the newest that it reads.
  package static let version = 2

  /// The key under which files of weights and checkpoints carry a description in their metadata.
  package static let metadataKey = "lockstep.data"

  /// The description in JSON.
  package var json: JSONValue {
    var object = JSONObject()
    object["version"] = .integer(Self.version)
    object["input"] = input.json
    object["target"] = target.json
    if !heads.isEmpty {
      object["heads"] = .array(
        heads.map { ["name": .string($0.name), "target": $0.target.json] })
    }
    object["training"] = training?.json ?? .null
    object["test"] = test?.json ?? .null
    if let whole { object["whole"] = whole.json }
    if let labels { object["labels"] = labels.json }
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
    labels = json["labels"].flatMap(LabelCounts.init)
    let list = json["heads"]?.arrayValue ?? []
    heads = list.compactMap { head in
      guard let name = head["name"]?.stringValue,
        let target = head["target"].flatMap(TargetDescription.init)
      else { return nil }
      return HeadDescription(name: name, target: target)
    }
    guard heads.count == list.count else { throw refuse("is a damaged description of data") }
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

extension PartSummary {
  var json: JSONValue {
    [
      "examples": .integer(examples), "fingerprint": .string(fingerprint.description),
      "columns": .array(
        columns.map { ["name": .string($0.name), "fingerprint": .string("\($0.fingerprint)")] }),
      "blocks": .array(blocks.map { .string($0.description) }),
    ]
  }

  init?(_ json: JSONValue) {
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
  var texts: [String]? {
    guard let elements = arrayValue else { return nil }
    let texts = elements.compactMap(\.stringValue)
    return texts.count == elements.count ? texts : nil
  }
}
