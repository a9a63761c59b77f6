public import LockstepFiles

/// Examples that a model trains on: how many there are, which tensors each has, and their values.
///
/// Training asks for runs of examples, field by field, from several threads at once. The values of an
/// example must be the same whenever they are asked for and on every rank. A source may keep them in
/// memory, read them from files as they are needed, or make them.
///
/// ```swift
/// struct Sums: ExampleSource {
///   let name = "sums"
///   let count = 1000
///   let inputFields = [ExampleField("input", [2], .int32(limit: 100))]
///   let labelFields = [ExampleField("label", [1])]
///   var fingerprint: Fingerprint { Fingerprint(of: "sums, version 1") }
///
///   func load(
///     _ field: ExampleField, of examples: ArraySlice<Int>, into values: inout MutableSpan<Int32>
///   ) {
///     for (place, example) in examples.enumerated() {
///       values[2 * place] = Int32(example % 100)
///       values[2 * place + 1] = Int32(example / 100)
///     }
///   }
///
///   func load(
///     _ field: ExampleField, of examples: ArraySlice<Int>, into values: inout MutableSpan<Float>
///   ) {
///     for (place, example) in examples.enumerated() {
///       values[place] = Float(example % 100 + example / 100)
///     }
///   }
/// }
/// ```
public protocol ExampleSource: Sendable {
  /// The name, for messages: a file's path.
  var name: String { get }
  /// The number of examples, at least one.
  var count: Int { get }
  /// What a model is given of an example, in order.
  var inputFields: [ExampleField] { get }
  /// What losses compare a model's outputs with, in order.
  var labelFields: [ExampleField] { get }
  /// The number of streams that the examples are cut from, where example n goes on where example
  /// n − `streams` ended: text, say, in windows one behind the other. Nil, the default, where examples do not
  /// go on from each other. What carries states from example to example asks for it.
  var streams: Int? { get }

  /// A hash of everything that training sees. Ranks compare it at the start of a run and checkpoints
  /// hold it, so that no two ranks, and no resumed run, train on different data. It must not cost a
  /// read of more data than is cheap at every start.
  var fingerprint: Fingerprint { get }

  /// Writes the Float32 values of a field for examples, in the order given.
  ///
  /// - Parameters:
  ///   - field: one of the source's own.
  ///   - examples: numbers in `0..<count`.
  ///   - values: `examples.count · field.size` values, all to be written.
  func load(
    _ field: ExampleField, of examples: ArraySlice<Int>, into values: inout MutableSpan<Float>
  ) throws

  /// Writes the Int32 values of a field for examples, in the order given.
  ///
  /// - Parameters:
  ///   - field: one of the source's own.
  ///   - examples: numbers in `0..<count`.
  ///   - values: `examples.count · field.size` values, all to be written.
  func load(
    _ field: ExampleField, of examples: ArraySlice<Int>, into values: inout MutableSpan<Int32>
  ) throws
}

extension ExampleSource {
  /// Examples do not go on from each other.
  public var streams: Int? { nil }

  public func load(
    _ field: ExampleField, of examples: ArraySlice<Int>, into values: inout MutableSpan<Float>
  ) throws {
    throw DatasetError(name, "has no Float32 values for the field \(field)")
  }

  public func load(
    _ field: ExampleField, of examples: ArraySlice<Int>, into values: inout MutableSpan<Int32>
  ) throws {
    throw DatasetError(name, "has no integers for the field \(field)")
  }

  /// All fields, inputs first.
  package var fields: [ExampleField] { inputFields + labelFields }

  /// The field of a name; nil where there is none.
  package func field(_ name: String) -> ExampleField? { fields.first { $0.name == name } }

  /// Whether the order of the examples is one of several streams side by side, which no shuffling may break.
  package var isInterleaved: Bool { streams ?? 1 > 1 }

  /// The first input.
  package var firstInput: ExampleField? { inputFields.first }

  /// The exclusive upper limit of the first label; nil where it has none.
  package var labelLimit: Int? { labelFields.first?.limit }

  /// Throws ``DatasetError`` where a source contradicts itself: no examples, no inputs, two fields of
  /// one name, a size or a limit that is not positive, streams of different lengths.
  package func checkFields() throws(DatasetError) {
    guard count > 0 else { throw DatasetError(name, "has no examples") }
    if let streams, streams < 1 || count % streams != 0 {
      throw DatasetError(
        name,
        "says that its \(count) examples are \(streams) streams of one length, which cannot be")
    }
    guard !inputFields.isEmpty else { throw DatasetError(name, "has no input fields") }
    var names: Set<String> = []
    for field in fields {
      guard names.insert(field.name).inserted else {
        throw DatasetError(name, "has two fields of the name '\(field.name)'")
      }
      var size = 1
      for extent in field.shape {
        let (product, overflow) = size.multipliedReportingOverflow(by: extent)
        guard extent > 0, !overflow else {
          throw DatasetError(
            name, "the field \(field) has a shape that is not one of positive sizes")
        }
        size = product
      }
      if let limit = field.limit, limit <= 0 || limit > Int(Int32.max) {
        throw DatasetError(name, "the field \(field): a limit is in 1...\(Int32.max)")
      }
    }
  }

  /// Throws ``DatasetError`` unless a buffer has room for all of the examples' values, and every example
  /// exists.
  package func check(
    _ examples: ArraySlice<Int>, of field: ExampleField, room: Int
  ) throws(DatasetError) {
    guard room / max(field.size, 1) >= examples.count else {
      throw DatasetError(
        name,
        "a buffer of \(room) values does not hold the field \(field) of \(examples.count) examples")
    }
    for example in examples where example < 0 || example >= count {
      throw DatasetError(name, "has no example \(example); there are \(count)")
    }
  }
}
