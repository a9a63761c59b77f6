import LockstepFiles

/// A file of tokens, read where it is asked for.
struct TokenFile: Sendable {
  /// The number of tokens.
  let count: Int
  /// How they are stored.
  let element: TokenElement
  private let file: FileInput
  /// Where the first one lies.
  private let offset: Int

  /// Opens a file and finds out how its tokens are stored; `element` holds for files that do not say.
  init(_ path: String, element: TokenElement) throws(FileError) {
    file = try FileInput(path)
    let header = try TokenHeader(file, element: element)
    self.element = header.element
    offset = header.offset
    count = header.count
  }

  /// The blocks that the hash of a large file covers.
  private static let blocks = 64
  private static let blockSize = 1 << 16

  /// The hash of the file: of all bytes, or of evenly spaced blocks.
  func fingerprint() throws(FileError) -> Fingerprint {
    var stream = FingerprintStream()
    stream.update(UInt64(file.size))
    if file.size <= Self.blocks * Self.blockSize {
      let all = try file.contents()
      all.withUnsafeBytes { stream.update($0) }
    } else {
      let last = file.size - Self.blockSize
      for block in 0..<Self.blocks {
        // In two factors: the size of a file times 63 may not fit an Int.
        let (whole, rest) = last.quotientAndRemainder(dividingBy: Self.blocks - 1)
        let start = whole * block + rest * block / (Self.blocks - 1)
        let bytes = try file.bytes(start..<start + Self.blockSize)
        bytes.withUnsafeBytes { stream.update($0) }
      }
    }
    return .tree([("tokens, \(element.rawValue), from \(offset)", stream.fingerprint)])
  }

  /// Writes tokens; those beyond Int32 become −1, which no vocabulary has.
  func read(
    from first: Int, into tokens: UnsafeMutableBufferPointer<Int32>
  ) throws(FileError) {
    let size = element.size
    let failure = withUnsafeTemporaryAllocation(
      byteCount: max(tokens.count * size, 1), alignment: 8
    ) {
      scratch -> FileError? in
      let bytes = UnsafeMutableRawBufferPointer(rebasing: scratch[..<(tokens.count * size)])
      do throws(FileError) { try file.read(into: bytes, at: offset + first * size) } catch {
        return error
      }
      switch element {
      case .uint8: copy(bytes, UInt8.self, tokens)
      case .uint16: copy(bytes, UInt16.self, tokens)
      case .uint32: copy(bytes, UInt32.self, tokens)
      case .int32: copy(bytes, Int32.self, tokens)
      case .int64: copy(bytes, Int64.self, tokens)
      }
      return nil
    }
    if let failure { throw failure }
  }

  private func copy<Word: FixedWidthInteger & BitwiseCopyable>(
    _ bytes: UnsafeMutableRawBufferPointer, _: Word.Type,
    _ tokens: UnsafeMutableBufferPointer<Int32>
  ) {
    for place in tokens.indices {
      let word = bytes.load(fromByteOffset: place * MemoryLayout<Word>.size, as: Word.self)
      tokens[place] = Int32(exactly: Word(littleEndian: word)) ?? -1
    }
  }
}
