// Reading fields to where the engine wants them, with what is wrong named by source, example and field.

extension ExampleSource {
  /// Writes a Float32 field of examples to memory.
  ///
  /// - Throws: ``DatasetError`` for an example that there is none of, or a buffer that is too small;
  ///   what the source throws.
  package func read(
    _ field: ExampleField, of examples: ArraySlice<Int>,
    into values: UnsafeMutableBufferPointer<Float>
  ) throws {
    try check(examples, of: field, room: values.count)
    var span = UnsafeMutableBufferPointer(rebasing: values[..<(examples.count * field.size)])
      .mutableSpan
    try load(field, of: examples, into: &span)
  }

  /// Writes an Int32 field of examples to memory, and looks whether the values are the field's.
  ///
  /// - Throws: ``DatasetError`` that names the example and the place of a value that the field cannot
  ///   have; the same as for Float32 values otherwise.
  package func read(
    _ field: ExampleField, of examples: ArraySlice<Int>,
    into values: UnsafeMutableBufferPointer<Int32>
  ) throws {
    try check(examples, of: field, room: values.count)
    let values = UnsafeMutableBufferPointer(rebasing: values[..<(examples.count * field.size)])
    var span = values.mutableSpan
    try load(field, of: examples, into: &span)
    guard let place = field.firstInvalid(UnsafeBufferPointer(values)) else { return }
    let (row, column) = (place / field.size, place % field.size)
    let example = examples[examples.startIndex + row]
    throw DatasetError(
      name,
      "example \(example): value \(column) of the field '\(field.name)' is \(values[place]); expected "
        + "0...\((field.limit ?? 1) - 1)"
        + (field.ignored.map { ", or \($0) where it does not count" } ?? ""))
  }
}
