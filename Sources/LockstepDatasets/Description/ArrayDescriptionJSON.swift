import LockstepFiles

extension ArrayDescription {
  static let kind = "array"

  var json: JSONValue {
    var object = JSONObject()
    object["kind"] = .string(Self.kind)
    object["shape"] = .array(shape.map { .integer($0) })
    object["element"] = .string(element.name)
    object["normalization"] = normalization.json
    object["further"] = .array(further.map(\.json))
    if layout != ArrayLayout() { object["layout"] = layout.json }
    return .object(object)
  }

  init?(_ json: JSONValue) {
    guard let shape = json["shape"]?.arrayValue?.compactMap(\.integerValue),
      !shape.isEmpty, shape.allSatisfy({ $0 > 0 }),
      let element = json["element"]?.stringValue.flatMap(ArrayElement.init(rawValue:)),
      let normalization = json["normalization"].flatMap(ArrayDescription.Normalization.init),
      let further = json["further"]?.arrayValue?.compactMap(ArrayDescription.Normalization.init)
    else { return nil }
    self.init(shape: shape, element: element, normalization: normalization, further: further)
    if let layout = json["layout"] { self.layout = ArrayLayout(layout) }
  }
}

extension ArrayLayout {
  fileprivate var json: JSONValue {
    [
      "channelsLast": .bool(isChannelsLast), "headerless": .bool(isHeaderless),
      "records": records.map { .string($0.rawValue) } ?? .null,
      "resize": fit.map { .string($0.rawValue) } ?? .null,
      "integersAreValues": .bool(integersAreValues),
    ]
  }

  fileprivate init(_ json: JSONValue) {
    self.init()
    isChannelsLast = json["channelsLast"]?.boolValue ?? false
    isHeaderless = json["headerless"]?.boolValue ?? false
    records = json["records"]?.stringValue.flatMap(CIFARRecords.init)
    fit = json["resize"]?.stringValue.flatMap(ImageFit.init)
    integersAreValues = json["integersAreValues"]?.boolValue ?? false
  }
}

extension ArrayDescription.Normalization {
  var json: JSONValue {
    [
      "mean": .array(mean.map { .number($0) }), "deviation": .array(deviation.map { .number($0) }),
    ]
  }

  init?(_ json: JSONValue) {
    guard let mean = json["mean"]?.arrayValue?.compactMap(\.doubleValue),
      let deviation = json["deviation"]?.arrayValue?.compactMap(\.doubleValue),
      !mean.isEmpty, mean.count == deviation.count, deviation.allSatisfy({ $0 > 0 })
    else { return nil }
    self.init(mean: mean, deviation: deviation)
  }
}
