/// A data set in memory has one input, named `input`, and one label, named `label`. A table may have categories
/// beside it, each an input of its own.
extension Dataset: ExampleSource {
  public var inputFields: [ExampleField] {
    Self.fields(
      ExampleField(ExampleField.inputName, inputShape, blank: blank, white: white),
      categories.map(\.column))
  }

  public var labelFields: [ExampleField] { labels.fields(hasWeights: weights != nil) }

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
      default: try copyTargets(of: examples, into: values)
      }
    }
  }

  public func load(
    _ field: ExampleField, of examples: ArraySlice<Int>, into values: inout MutableSpan<Int32>
  ) throws {
    guard let category = categories.first(where: { $0.column.inputName == field.name }) else {
      try values.withUnsafeMutableBufferPointer { try copyClasses(of: examples, into: $0) }
      return
    }
    for (place, example) in examples.enumerated() { values[place] = category.codes[example] }
  }
}

extension Dataset {
  /// What white is in an image of bytes, a value a channel or one for all; nil of other inputs.
  private var white: [Float]? {
    guard case .bytes(_, let normalization) = inputs else { return nil }
    return normalization.mean.indices.map { normalization.table[$0 * 256 + 255] }
  }
}

extension Dataset.Labels {
  /// The label of an example, and its weight where it has one, as a source has them.
  func fields(hasWeights: Bool) -> [ExampleField] {
    fields + (hasWeights ? [ExampleField(ExampleField.weightName, [])] : [])
  }

  /// The label of an example, as a source has it.
  var fields: [ExampleField] {
    switch self {
    case .classes(_, let count): [ExampleField(ExampleField.labelName, [], .int32(limit: count))]
    case .targets(_, let width): [ExampleField(ExampleField.labelName, [width])]
    }
  }
}
