import LockstepDatasets
import LockstepFiles
import Testing

@Suite struct ExampleSourceTests {
  private func floats(
    _ source: any ExampleSource, _ name: String, _ examples: [Int]
  ) throws -> [Float] {
    let field = try #require(source.field(name))
    var values = [Float](repeating: .nan, count: examples.count * field.size)
    try values.withUnsafeMutableBufferPointer {
      try source.read(field, of: examples[...], into: $0)
    }
    return values
  }

  private func integers(
    _ source: any ExampleSource, _ name: String, _ examples: [Int]
  ) throws -> [Int32] {
    let field = try #require(source.field(name))
    var values = [Int32](repeating: -9, count: examples.count * field.size)
    try values.withUnsafeMutableBufferPointer {
      try source.read(field, of: examples[...], into: $0)
    }
    return values
  }

  @Test("a data set is a source of one input and one label, with the values that it copies")
  func datasets() throws {
    let classes = try Dataset(
      name: "points", inputShape: [2], inputs: .floats([1, 2, 3, 4, 5, 6]),
      labels: .classes([0, 2, 1], count: 3))
    #expect(classes.inputFields == [ExampleField("input", [2])])
    #expect(classes.labelFields == [ExampleField("label", [], .int32(limit: 3))])
    #expect(try floats(classes, "input", [2, 0]) == [5, 6, 1, 2])
    #expect(try integers(classes, "label", [2, 0, 1]) == [1, 0, 2])
    let targets = try Dataset(
      name: "targets", inputShape: [1],
      inputs: .bytes([0, 255], try ByteNormalization(mean: [0], deviation: [1])),
      labels: .targets([1, 2, 3, 4], width: 2))
    #expect(targets.labelFields == [ExampleField("label", [2])])
    #expect(try floats(targets, "input", [1, 0]) == [1, 0])
    #expect(try floats(targets, "label", [1]) == [3, 4])
  }

  @Test("errors name the source, the example and the field")
  func errors() throws {
    func message(_ body: () throws -> Void) -> String {
      do { try body() } catch { return "\(error)" }
      return ""
    }
    let source = Counting(
      values: [0, 3, 7, -1], field: ExampleField("kind", [1], .int32(limit: 4)))
    #expect(try integers(source, "kind", [1, 0]) == [3, 0])
    let large = message { _ = try integers(source, "kind", [0, 2]) }
    #expect(large.contains("counting: example 2") && large.contains("'kind' is 7; expected 0...3"))
    #expect(message { _ = try integers(source, "kind", [3]) }.contains("is -1"))
    #expect(message { _ = try integers(source, "kind", [4]) }.contains("no example 4"))
    #expect(message { _ = try floats(source, "kind", [0]) }.contains("no Float32 values"))
    let marked = Counting(
      values: [0, -1], field: ExampleField("kind", [1], .int32(limit: 4), ignored: -1))
    #expect(try integers(marked, "kind", [0, 1]) == [0, -1])
    let twice = Counting(
      values: [0], field: ExampleField("input", [1], .int32(limit: 4)), copies: 2)
    #expect(message { try twice.checkFields() }.contains("two fields of the name 'input'"))
    let empty = Counting(values: [], field: ExampleField("input", [1], .int32(limit: 4)))
    #expect(message { try empty.checkFields() }.contains("no examples"))
    let flat = Counting(values: [0], field: ExampleField("input", [0], .int32(limit: 4)))
    #expect(message { try flat.checkFields() }.contains("positive sizes"))
  }
}

/// A source of one integer an example.
private struct Counting: ExampleSource {
  let values: [Int32]
  let field: ExampleField
  var copies = 1
  let name = "counting"
  var count: Int { values.count }
  var inputFields: [ExampleField] { Array(repeating: field, count: copies) }
  let labelFields: [ExampleField] = []
  var fingerprint: Fingerprint { Fingerprint(of: values) }

  func load(
    _ field: ExampleField, of examples: ArraySlice<Int>, into target: inout MutableSpan<Int32>
  ) {
    for (place, example) in examples.enumerated() { target[place] = values[example] }
  }
}
