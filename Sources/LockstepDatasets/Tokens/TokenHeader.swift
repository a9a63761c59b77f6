import LockstepFiles

/// What the first bytes of a file of tokens say of the others.
struct TokenHeader {
  let element: TokenElement
  /// Where the first token lies.
  let offset: Int
  let count: Int

  /// llm.c's header: 256 Int32 values, of which the magic number, the version and the number of tokens
  /// count.
  private static let llmSize = 1024
  private static let llm: [UInt32: (version: UInt32, element: TokenElement)] = [
    20_240_520: (1, .uint16), 20_240_801: (7, .uint32),
  ]

  /// Reads the header of a file; one without a header holds tokens of the type `element`.
  init(_ file: FileInput, element: TokenElement) throws(FileError) {
    let start = try file.prefix(16)
    if NumpyHeader.isNumpy(start) {
      self = try .numpy(file)
    } else if let known = start.count >= 12 ? Self.llm[Self.word(start, 0)] : nil,
      file.size >= Self.llmSize
    {
      self = try .llm(file, start, known.version, known.element)
    } else {
      guard file.size.isMultiple(of: element.size) else {
        throw FileError(
          path: file.path, kind: .corrupt,
          reason:
            "has \(file.size) bytes, which are no \(element.rawValue) tokens of \(element.size) "
            + "bytes each: it is not complete, or holds tokens of another type")
      }
      self.init(element: element, offset: 0, count: file.size / element.size)
    }
  }

  private init(element: TokenElement, offset: Int, count: Int) {
    self.element = element
    self.offset = offset
    self.count = count
  }

  private static func word(_ bytes: [UInt8], _ index: Int) -> UInt32 {
    (0..<4).reduce(0) { $0 | UInt32(bytes[4 * index + $1]) << (8 * UInt32($1)) }
  }

  private static func llm(
    _ file: FileInput, _ start: [UInt8], _ version: UInt32, _ element: TokenElement
  ) throws(FileError) -> TokenHeader {
    guard word(start, 1) == version else {
      throw FileError(
        path: file.path, kind: .mismatch,
        reason:
          "is a file of llm.c's tokens of version \(word(start, 1)); this program reads version "
          + "\(version)")
    }
    let count = Int(word(start, 2))
    let expected = llmSize + count * element.size
    guard file.size == expected else {
      throw FileError(
        path: file.path, kind: file.size < expected ? .truncated : .corrupt,
        reason: "its header promises \(count) tokens, \(expected) bytes, and it has \(file.size)")
    }
    return TokenHeader(element: element, offset: llmSize, count: count)
  }

  private static func numpy(_ file: FileInput) throws(FileError) -> TokenHeader {
    let header = try NumpyHeader(file)
    let allowed: [ArrayElement: TokenElement] = [
      .uint8: .uint8, .uint16: .uint16, .uint32: .uint32, .int32: .int32, .int64: .int64,
    ]
    guard let element = allowed[header.format.element],
      !header.format.isBigEndian || element.size == 1
    else {
      throw FileError(
        path: file.path, kind: .mismatch,
        reason:
          "holds values of NumPy's type '\(header.type)'; tokens are uint8, uint16, uint32, int32 or "
          + "int64, little-endian")
    }
    guard header.shape.count == 1 else {
      throw FileError(
        path: file.path, kind: .mismatch,
        reason: "holds an array of shape \(header.shapeText); tokens have one axis")
    }
    let count = header.shape[0]
    let bytes = file.size - header.start
    guard bytes == count * element.size else {
      throw FileError(
        path: file.path, kind: .truncated,
        reason:
          "promises \(count) tokens of \(element.size) bytes, and has \(bytes) bytes of them")
    }
    return TokenHeader(element: element, offset: header.start, count: count)
  }
}
