/// A data set in memory has one input, named `input`, and one label, named `label`.
extension Dataset: ExampleSource {
  public var inputFields: [ExampleField] {
    [ExampleField(ExampleField.inputName, inputShape, blank: blank, white: white)]
  }

  public var labelFields: [ExampleField] {
    labels.fields + (weights == nil ? [] : [ExampleField(ExampleField.weightName, [])])
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
    try values.withUnsafeMutableBufferPointer { try copyClasses(of: examples, into: $0) }
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
  /// The label of an example, as a source has it.
  var fields: [ExampleField] {
    switch self {
    case .classes(_, let count): [ExampleField(ExampleField.labelName, [], .int32(limit: count))]
    case .targets(_, let width): [ExampleField(ExampleField.labelName, [width])]
    }
  }
}
