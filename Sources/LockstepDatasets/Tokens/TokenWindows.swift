public import LockstepFiles

/// Windows of a stream of tokens, for models that predict the next token.
///
/// An example is the window that starts at position i: the input is the tokens i ..< i + T, the label is
/// the tokens i + 1 ..< i + T + 1, each Int32 [T].
///
/// ```swift
/// let (training, test) = try TokenStream(file: "train.bin").split(testFraction: 0.1)
/// let windows = try TokenWindows(training, length: 64, vocabulary: 50257, starts: .everyPosition)
/// ```
public struct TokenWindows: ExampleSource {
  /// Where windows start.
  public enum Starts: String, Sendable, CaseIterable {
    /// At 0, T, 2T, …: every token is predicted once an epoch, and what does not fill a last window
    /// is left out.
    case contiguous
    /// At every position that leaves room for T + 1 tokens. In the sampler's random order these are
    /// random windows, as nanoGPT's.
    case everyPosition
  }

  /// The tokens.
  package let stream: TokenStream
  /// T, the number of tokens of a window.
  package let length: Int
  /// The number of different tokens.
  package let vocabulary: Int
  /// Where windows start.
  package let starts: Starts
  /// The number of windows.
  public let count: Int

  /// - Throws: ``DatasetError`` where the length or the vocabulary is not positive, or the stream has
  ///   less than T + 1 tokens.
  public init(
    _ stream: TokenStream, length: Int, vocabulary: Int, starts: Starts = .contiguous
  ) throws(DatasetError) {
    guard length > 0, length <= Int(Int32.max), vocabulary > 0, vocabulary <= Int(Int32.max) else {
      throw DatasetError(
        stream.name,
        "windows have a positive length and a vocabulary of 1...\(Int32.max) tokens; found \(length) "
          + "and \(vocabulary)")
    }
    guard stream.count > length else {
      throw DatasetError(
        stream.name,
        "has \(stream.count) tokens, and a window of \(length) with the token behind it needs "
          + "\(length + 1): take shorter windows")
    }
    self.stream = stream
    self.length = length
    self.vocabulary = vocabulary
    self.starts = starts
    count = starts == .contiguous ? (stream.count - 1) / length : stream.count - length
  }

  public var name: String { stream.name }

  public var inputFields: [ExampleField] {
    [ExampleField(ExampleField.inputName, [length], .int32(limit: vocabulary))]
  }

  public var labelFields: [ExampleField] {
    [ExampleField(ExampleField.labelName, [length], .int32(limit: vocabulary))]
  }

  public var fingerprint: Fingerprint {
    .tree([
      ("tokens", stream.fingerprint), ("vocabulary", Fingerprint(of: [vocabulary])),
      ("windows of \(length), \(starts.rawValue)", Fingerprint(of: [stream.count, count])),
    ])
  }

  public func load(
    _ field: ExampleField, of examples: ArraySlice<Int>, into values: inout MutableSpan<Int32>
  ) throws {
    try check(examples, of: inputFields[0], room: values.count)
    let shift = field.name == ExampleField.labelName ? 1 : 0
    try values.withUnsafeMutableBufferPointer { values in
      for (place, example) in examples.enumerated() {
        let window = UnsafeMutableBufferPointer(
          rebasing: values[place * length..<(place + 1) * length])
        let start = starts == .contiguous ? example * length : example
        do { try stream.read(from: start + shift, into: window, vocabulary: vocabulary) } catch {
          guard let error = error as? DatasetError else { throw error }
          throw DatasetError(error.name, "example \(example), '\(field.name)': \(error.reason)")
        }
      }
    }
  }
}
