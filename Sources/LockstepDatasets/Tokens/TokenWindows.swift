public import LockstepFiles

/// Windows of a stream of tokens, for models that predict the next token.
///
/// An example is the window that starts at position i: the input is the tokens i ..< i + T, the label is
/// the tokens i + 1 ..< i + T + 1, each Int32 [T].
///
/// Windows that stand one behind the other can be cut into B streams of W windows each. Stream b has the
/// windows b·W ..< (b + 1)·W of the text, and example n is window n / B of stream n mod B: a batch of B
/// examples has the next window of each stream.
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
  public let starts: Starts
  /// The number of streams; nil for windows at every position, which overlap.
  public let streams: Int?
  /// The number of windows.
  public let count: Int

  /// - Parameter streams: B; windows that do not fill one more in each stream are left out.
  /// - Throws: ``DatasetError`` where the length, the vocabulary or the number of streams is not positive, the
  ///   stream has less than B·T + 1 tokens, or windows at every position are to be cut into streams.
  public init(
    _ stream: TokenStream, length: Int, vocabulary: Int, starts: Starts = .contiguous,
    streams: Int = 1
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
    guard streams > 0, streams == 1 || starts == .contiguous else {
      throw DatasetError(
        stream.name,
        streams > 0
          ? "windows at every position overlap, and cannot be cut into \(streams) streams"
          : "windows are cut into one stream at least; found \(streams)")
    }
    self.stream = stream
    self.length = length
    self.vocabulary = vocabulary
    self.starts = starts
    self.streams = starts == .contiguous ? streams : nil
    count =
      starts == .contiguous
      ? (stream.count - 1) / length / streams * streams : stream.count - length
    guard count > 0 else {
      let (needed, overflow) = streams.multipliedReportingOverflow(by: length)
      throw DatasetError(
        stream.name,
        "has \(stream.count) tokens, and \(streams) streams (as many as a batch has rows) with a window of "
          + "\(length) each and the token behind the last need \(overflow ? "more" : "\(needed + 1)"): "
          + "take a smaller batchSize or shorter windows")
    }
  }

  /// The first token of an example's window.
  private func start(of example: Int) -> Int {
    guard let streams else { return example }
    return (example % streams * (count / streams) + example / streams) * length
  }

  public var name: String { stream.name }

  public var inputFields: [ExampleField] {
    [ExampleField(ExampleField.inputName, [length], .int32(limit: vocabulary))]
  }

  public var labelFields: [ExampleField] {
    [ExampleField(ExampleField.labelName, [length], .int32(limit: vocabulary))]
  }

  public var fingerprint: Fingerprint {
    .tree(
      [
        ("tokens", stream.fingerprint), ("vocabulary", Fingerprint(of: [vocabulary])),
        ("windows of \(length), \(starts.rawValue)", Fingerprint(of: [stream.count, count])),
      ] + (isInterleaved ? [("streams", Fingerprint(of: [streams ?? 1]))] : []))
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
        let start = start(of: example) + shift
        do { try stream.read(from: start, into: window, vocabulary: vocabulary) } catch {
          guard let error = error as? DatasetError else { throw error }
          throw DatasetError(error.name, "example \(example), '\(field.name)': \(error.reason)")
        }
      }
    }
  }
}
