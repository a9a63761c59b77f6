/// A data set in memory has one input, named `input`, and one label, named `label`.
extension Dataset: ExampleSource {
  public var inputFields: [ExampleField] {
    [ExampleField(ExampleField.inputName, inputShape, blank: blank)]
  }

  public var labelFields: [ExampleField] {
    let label =
      switch labels {
      case .classes(_, let count): ExampleField(ExampleField.labelName, [], .int32(limit: count))
      case .targets(_, let width): ExampleField(ExampleField.labelName, [width])
      }
    return [label] + (weights == nil ? [] : [ExampleField(ExampleField.weightName, [])])
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
