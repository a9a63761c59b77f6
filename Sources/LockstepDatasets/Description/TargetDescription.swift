import LockstepFiles

/// What the target of a run is.
package struct TargetDescription: Sendable, Equatable {
  /// What the values mean.
  package enum Kind: Sendable, Equatable {
    /// A class for each example.
    case classes(ClassNames)
    /// So many numbers for each example.
    case values(width: Int)
  }

  /// The targets' columns; none where labels have a file of their own.
  package var columns: [String]
  /// Whether values are labels, of which an example may have several: 0 or 1 each.
  package var areLabels = false
  /// What the values mean, and which there are.
  package var kind: Kind
  /// Whether each step of an example has them.
  package var perStep = false
  /// What is subtracted from each value and what it is divided by then, so that a model learns numbers near
  /// 1; nil where values stay as they are.
  package var scale: ArrayDescription.Normalization?

  package init(column: String? = nil, kind: Kind) {
    self.init(columns: column.map { [$0] } ?? [], kind: kind)
  }

  package init(columns: [String], kind: Kind) {
    self.columns = columns
    self.kind = kind
  }

  /// The target's column, the first one of several; nil where labels have a file of their own.
  package var column: String? { columns.first }

  /// What a table's target means.
  var tableKind: TargetKind { areLabels ? .labels : classes == nil ? .values : .classes }

  /// A model's output, or a label, in the target's unit.
  ///
  /// - Parameter place: the number of the value in its example, or in its step.
  package func unscaled(_ value: Float, at place: Int) -> Float {
    guard let scale else { return value }
    let index = place % scale.mean.count
    return Float(Double(value) * scale.deviation[index] + scale.mean[index])
  }

  /// The classes; nil where the target is numbers.
  package var classes: ClassNames? { if case .classes(let names) = kind { names } else { nil } }
}

extension TargetDescription {
  var json: JSONValue {
    var object = JSONObject()
    object["column"] = column.map { .string($0) } ?? .null
    if columns.count > 1 { object["columns"] = .array(columns.map { .string($0) }) }
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
    if areLabels { object["labels"] = true }
    if perStep { object["perStep"] = true }
    if let scale { object["scale"] = scale.json }
    return .object(object)
  }

  init?(_ json: JSONValue) {
    let column = json["columns"]?.texts ?? json["column"]?.stringValue.map { [$0] } ?? []
    switch json["kind"]?.stringValue {
    case "classes":
      if let names = json["names"]?.texts {
        guard let classes = try? ClassNames(recorded: names) else { return nil }
        self.init(columns: column, kind: .classes(classes))
      } else {
        guard let count = json["count"]?.integerValue, count > 0,
          let absent = json["absent"]?.arrayValue?.compactMap(\.integerValue)
        else { return nil }
        self.init(columns: column, kind: .classes(ClassNames(count: count, absent: absent)))
      }
    case "values":
      guard let width = json["width"]?.integerValue, width > 0 else { return nil }
      self.init(columns: column, kind: .values(width: width))
    default: return nil
    }
    perStep = json["perStep"]?.boolValue ?? false
    areLabels = json["labels"]?.boolValue ?? false
    if let scale = json["scale"] {
      guard let scale = ArrayDescription.Normalization(scale) else { return nil }
      self.scale = scale
    }
  }
}
