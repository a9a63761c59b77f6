import LockstepDatasets
import LockstepEngine

/// Where a lane takes the fields of examples. Fields that its program does not ask for are not read.
package struct ExamplePorts {
  /// The memory of the first input, where that is Float32 values: augmented, and made ready ahead.
  let prepared: UnsafeMutableBufferPointer<Float>?
  private let preparedField: ExampleField?
  private let floats: [(field: ExampleField, values: UnsafeMutableBufferPointer<Float>)]
  private let integers: [(field: ExampleField, values: UnsafeMutableBufferPointer<Int32>)]

  package init(_ source: any ExampleSource, in lane: Lane) {
    var prepared: UnsafeMutableBufferPointer<Float>?
    var preparedField: ExampleField?
    var floats: [(field: ExampleField, values: UnsafeMutableBufferPointer<Float>)] = []
    var integers: [(field: ExampleField, values: UnsafeMutableBufferPointer<Int32>)] = []
    for (index, field) in source.fields.enumerated() {
      guard let bytes = lane.input(field.name) else { continue }
      if field.isInteger {
        integers.append((field, bytes.bindMemory(to: Int32.self)))
      } else if index == 0 {
        prepared = bytes.bindMemory(to: Float.self)
        preparedField = field
      } else {
        floats.append((field, bytes.bindMemory(to: Float.self)))
      }
    }
    self.prepared = prepared
    self.preparedField = preparedField
    self.floats = floats
    self.integers = integers
  }

  /// Copies all fields.
  package func loadAll(_ examples: ArraySlice<Int>, of source: any ExampleSource) throws {
    if let prepared, let preparedField {
      try source.read(preparedField, of: examples, into: prepared)
    }
    try loadDirect(examples, of: source)
  }

  /// Copies all fields but the prepared one.
  func loadDirect(_ examples: ArraySlice<Int>, of source: any ExampleSource) throws {
    for (field, values) in floats { try source.read(field, of: examples, into: values) }
    for (field, values) in integers { try source.read(field, of: examples, into: values) }
  }
}
