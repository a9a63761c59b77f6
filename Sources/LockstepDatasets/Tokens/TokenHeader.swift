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
    if start.starts(with: [0x93] + Array("NUMPY".utf8)) {
      self = try .numpy(file, start)
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

  /// NumPy's format: a magic text, a version, the length of a dictionary, and the dictionary.
  ///
  /// Source: https://numpy.org/doc/stable/reference/generated/numpy.lib.format.html
  private static func numpy(
    _ file: FileInput, _ start: [UInt8]
  ) throws(FileError) -> TokenHeader {
    func refuse(_ kind: FileError.Kind, _ reason: String) -> FileError {
      FileError(path: file.path, kind: kind, reason: reason)
    }
    guard start.count >= 12, (1...3).contains(start[6]) else {
      throw refuse(.corrupt, "has a damaged NumPy header")
    }
    let (begin, length) =
      start[6] == 1
      ? (10, Int(start[8]) | Int(start[9]) << 8)
      : (12, Int(word(start, 2)))
    guard length < 1 << 16, begin + length <= file.size else {
      throw refuse(.truncated, "ends within its NumPy header")
    }
    let text = String(decoding: try file.bytes(begin..<begin + length), as: UTF8.self)
    guard let type = value(of: "descr", in: text)?.split(separator: "'").first,
      let shape = value(of: "shape", in: text)
    else { throw refuse(.corrupt, "has a damaged NumPy header") }
    guard let element = TokenElement(numpy: type) else {
      throw refuse(
        .mismatch,
        "holds values of NumPy's type '\(type)'; tokens are uint8, uint16, uint32, int32 or int64, "
          + "little-endian")
    }
    let sizes = shape.dropFirst().prefix { $0 != ")" }.split(separator: ",")
      .map { Int(String($0.filter { $0 != " " })) }
    guard sizes.count == 1, let count = sizes[0], count >= 0 else {
      throw refuse(.mismatch, "holds an array of shape \(shape); tokens have one axis")
    }
    let (bytes, overflow) = count.multipliedReportingOverflow(by: element.size)
    guard !overflow, bytes == file.size - begin - length else {
      throw refuse(
        .truncated,
        "promises \(count) tokens of \(element.size) bytes, and has \(file.size - begin - length) "
          + "bytes of them")
    }
    return TokenHeader(element: element, offset: begin + length, count: count)
  }

  /// What stands behind a key of the dictionary, up to the next key.
  private static func value(of key: String, in text: String) -> Substring? {
    guard let place = text.range(of: "'\(key)'") else { return nil }
    let rest = text[place.upperBound...].drop { $0 == ":" || $0 == " " }
    if rest.first == "(" { return rest.prefix { $0 != ")" } + ")" }
    return rest.prefix { $0 != "," && $0 != "}" }
  }
}

extension String {
  /// Where a text first stands.
  fileprivate func range(of part: String) -> Range<String.Index>? {
    var start = startIndex
    while start < endIndex {
      if self[start...].hasPrefix(part) { return start..<index(start, offsetBy: part.count) }
      start = index(after: start)
    }
    return nil
  }
}
