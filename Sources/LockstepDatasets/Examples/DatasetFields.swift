/// A data set in memory has one input, named `input`, and one label, named `label`. A table may have categories
/// beside it, each an input of its own.
extension Dataset: ExampleSource {
  public var inputFields: [ExampleField] {
    Self.fields(
      ExampleField(ExampleField.inputName, inputShape, blank: blank, white: white),
      categories.map(\.column))
  }

  public var labelFields: [ExampleField] {
    labels.fields(further: further, hasWeights: weights != nil)
  }

  /// The inputs of a table: numbers, where there are some, and each category by itself.
  static func fields(_ numbers: ExampleField, _ categories: [EmbeddedColumn]) -> [ExampleField] {
    (numbers.size == 0 ? [] : [numbers])
      + categories.map { ExampleField($0.inputName, [], .int32(limit: $0.count)) }
  }

  public func load(
    _ field: ExampleField, of examples: ArraySlice<Int>, into values: inout MutableSpan<Float>
  ) throws {
    try values.withUnsafeMutableBufferPointer { values in
      switch field.name {
      case ExampleField.inputName: try copyInputs(of: examples, into: values)
      case ExampleField.weightName:
        for (place, example) in examples.enumerated() { values[place] = weights?[example] ?? 1 }
      default: try copyTargets(labels(ofField: field.name), of: examples, into: values)
      }
    }
  }

  public func load(
    _ field: ExampleField, of examples: ArraySlice<Int>, into values: inout MutableSpan<Int32>
  ) throws {
    guard let category = categories.first(where: { $0.column.inputName == field.name }) else {
      try values.withUnsafeMutableBufferPointer {
        try copyClasses(labels(ofField: field.name), of: examples, into: $0)
      }
      return
    }
    for (place, example) in examples.enumerated() { values[place] = category.codes[example] }
  }
}

extension Dataset {
  /// The labels of a field: those of a further head, or else the first.
  private func labels(ofField name: String) -> Labels {
    further.first { $0.field == name }?.labels ?? labels
  }

  /// What white is in an image of bytes, a value a channel or one for all; nil of other inputs.
  private var white: [Float]? {
    guard case .bytes(_, let normalization) = inputs else { return nil }
    return normalization.mean.indices.map { normalization.table[$0 * 256 + 255] }
  }
}

extension Dataset.Labels {
  /// The label of an example, those of further heads, and its weight where it has one, as a source has them.
  func fields(
    further: [Dataset.FurtherLabels] = [], hasWeights: Bool = false
  ) -> [ExampleField] {
    [field(ExampleField.labelName)] + further.map { $0.labels.field($0.field) }
      + (hasWeights ? [ExampleField(ExampleField.weightName, [])] : [])
  }

  /// The label of an example, as a source has it under a name.
  func field(_ name: String) -> ExampleField {
    switch self {
    case .classes(_, let count): ExampleField(name, [], .int32(limit: count))
    case .targets(_, let width): ExampleField(name, [width])
    }
  }
}
