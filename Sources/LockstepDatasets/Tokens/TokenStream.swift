import LockstepFiles

/// A long row of tokens, in memory or in a file.
///
/// A file is read where tokens are asked for, so that it may be larger than memory; what is read often
/// stays in the system's page cache. Files are never mapped: a mapping of a file that somebody truncates
/// would end the process.
public struct TokenStream: Sendable {
  /// The name, for messages: a file's path.
  package let name: String
  /// The number of tokens.
  public let count: Int
  /// A hash of the tokens. That of a file of more than 4 MiB covers its size and 64 blocks of it; see
  /// ``init(file:element:)``.
  package let fingerprint: Fingerprint

  private let storage: Storage
  /// Where the stream begins in its storage.
  private let start: Int

  private enum Storage: Sendable {
    case small([UInt16])
    case wide([Int32])
    case file(TokenFile)
  }

  private init(
    _ storage: Storage, name: String, range: Range<Int>, fingerprint: Fingerprint
  ) {
    self.storage = storage
    self.name = name
    self.start = range.lowerBound
    self.count = range.count
    self.fingerprint = fingerprint
  }

  /// Tokens below 65536 in memory.
  public init(_ tokens: [UInt16], name: String) {
    self.init(
      .small(tokens), name: name, range: 0..<tokens.count,
      fingerprint: .tree([("uint16", Fingerprint(of: tokens))]))
  }

  /// Tokens in memory.
  public init(_ tokens: [Int32], name: String) {
    self.init(
      .wide(tokens), name: name, range: 0..<tokens.count,
      fingerprint: .tree([("int32", Fingerprint(of: tokens))]))
  }

  /// The tokens of a file.
  ///
  /// | file | tokens |
  /// |---|---|
  /// | `.npy` (NumPy) | a one-dimensional array of uint8, uint16, uint32, int32 or int64 |
  /// | llm.c's, with a header of 1024 bytes | uint16 after the magic number 20240520, uint32 after 20240801 |
  /// | any other, as nanoGPT's `train.bin` | little-endian integers of the type `element` |
  ///
  /// The fingerprint of a file of at most 4 MiB covers all bytes. Of a larger one it covers the size
  /// and 64 blocks of 64 KiB, the first, the last, and evenly spaced ones between: every rank reads
  /// it at each start, so its cost must not grow with the file. It tells another file, another
  /// tokenizer or order, and a file that is not complete; it may miss a few tokens that were changed
  /// in place.
  ///
  /// - Throws: `FileError` where the file cannot be read, ends before its header says, or is no
  ///   multiple of its token's size.
  public init(file path: String, element: TokenElement = .uint16) throws {
    let file = try TokenFile(path, element: element)
    self.init(
      .file(file), name: path, range: 0..<file.count, fingerprint: try file.fingerprint())
  }

  /// A run of the tokens: `stream.part(0..<stream.count * 9 / 10, name: "training")`.
  ///
  /// - Throws: ``DatasetError`` where the range is not within `0..<count`.
  public func part(_ range: Range<Int>, name part: String) throws(DatasetError) -> TokenStream {
    guard range.lowerBound >= 0, range.upperBound <= count else {
      throw DatasetError(name, "has no tokens \(range); there are \(count)")
    }
    return TokenStream(
      storage, name: "\(name) (\(part))",
      range: start + range.lowerBound..<start + range.upperBound,
      fingerprint: .tree([
        ("stream", fingerprint), ("range", Fingerprint(of: [range.lowerBound, range.upperBound])),
      ]))
  }

  /// The training part, the first tokens, and the test part, the rest.
  ///
  /// - Parameter testFraction: the test part's share, in (0, 1).
  /// - Throws: ``DatasetError`` for a share outside (0, 1), or one that leaves an empty part.
  public func split(
    testFraction: Double
  ) throws(DatasetError) -> (training: TokenStream, test: TokenStream) {
    guard testFraction > 0, testFraction < 1 else {
      throw DatasetError(name, "the test fraction must be in (0, 1), found \(testFraction)")
    }
    let cut = Int(Double(count) * (1 - testFraction))
    guard cut > 0, cut < count else {
      throw DatasetError(
        name, "the fraction \(testFraction) of \(count) tokens leaves an empty part")
    }
    return (try part(0..<cut, name: "training"), try part(cut..<count, name: "test"))
  }

  /// Makes sure that the first tokens are in the vocabulary.
  ///
  /// - Throws: ``DatasetError`` that names the position of one that is not, `FileError` where the file cannot be
  ///   read.
  func check(vocabulary: Int, first limit: Int) throws {
    var block = [Int32](repeating: 0, count: 1 << 16)
    let end = min(count, limit)
    for start in stride(from: 0, to: end, by: block.count) {
      try block.withUnsafeMutableBufferPointer { block in
        try read(
          from: start, into: .init(rebasing: block.prefix(end - start)), vocabulary: vocabulary)
      }
    }
  }

  /// Writes the tokens at `first`, `first + 1`, … to `tokens`.
  ///
  /// - Parameter vocabulary: the number of different tokens.
  /// - Throws: ``DatasetError`` that names the position of a token that is not in `0..<vocabulary`;
  ///   `FileError` where the file cannot be read.
  func read(
    from first: Int, into tokens: UnsafeMutableBufferPointer<Int32>, vocabulary: Int
  ) throws {
    guard first >= 0, first + tokens.count <= count else {
      throw DatasetError(
        name, "has no tokens \(first)..<\(first + tokens.count); there are \(count)")
    }
    let from = start + first
    switch storage {
    case .small(let values):
      values.withUnsafeBufferPointer { values in
        for place in tokens.indices { tokens[place] = Int32(values[from + place]) }
      }
    case .wide(let values):
      values.withUnsafeBufferPointer { values in
        for place in tokens.indices { tokens[place] = values[from + place] }
      }
    case .file(let file): try file.read(from: from, into: tokens)
    }
    let bound = UInt32(clamping: vocabulary)
    if let place = tokens.firstIndex(where: { UInt32(bitPattern: $0) >= bound }) {
      throw DatasetError(
        name,
        "the token at position \(first + place) is \(tokens[place]), and the vocabulary has "
          + "\(vocabulary) tokens, 0...\(vocabulary - 1): give the vocabulary of the tokenizer that "
          + "wrote it")
    }
  }
}
