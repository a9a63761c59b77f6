internal import CZlib

/// Reads gzip files (RFC 1952) through zlib.
package enum Gzip {
  /// Whether bytes begin as a gzip file does.
  package static func isCompressed(_ bytes: [UInt8]) -> Bool {
    bytes.count >= 2 && bytes[0] == 0x1f && bytes[1] == 0x8b
  }

  /// The content of a gzip file of one or more members, whose checksums and lengths are checked.
  ///
  /// Zero bytes behind the last member are padding and allowed; anything else is an error.
  ///
  /// - Parameters:
  ///   - bytes: the file's bytes.
  ///   - path: the file's name, for errors.
  ///   - limit: the largest content accepted, in bytes. Memory grows with what was really
  ///     inflated, never with what the file claims.
  package static func inflate(
    _ bytes: [UInt8], path: String, limit: Int = 4 << 30
  ) throws(FileError) -> [UInt8] {
    var output: [UInt8] = []
    output.reserveCapacity(min(limit, 4 * bytes.count))
    try inflate(bytes, path: path) { chunk throws(FileError) in
      guard chunk.count <= limit - output.count else { throw tooLarge(path, limit: limit) }
      output.append(contentsOf: chunk)
      return true
    }
    return output
  }

  /// The first `count` bytes of the content, or all of it where it is shorter.
  package static func prefix(
    _ bytes: [UInt8], count: Int, path: String
  ) throws(FileError) -> [UInt8] {
    var output: [UInt8] = []
    try inflate(bytes, path: path) { chunk throws(FileError) in
      output.append(contentsOf: chunk.prefix(count - output.count))
      return output.count < count
    }
    return output
  }

  /// The refusal of a content that is too long.
  package static func tooLarge(_ path: String, limit: Int) -> FileError {
    FileError(
      path: path, kind: .tooLarge, reason: "inflates to more than the limit of \(limit) bytes")
  }

  /// The length of the content, found by inflating it without keeping it.
  ///
  /// - Throws: `FileError` where the file is damaged, and ``tooLarge(_:limit:)`` as soon as the content
  ///   is longer than `limit`.
  package static func length(_ file: FileInput, limit: Int) throws(FileError) -> Int {
    var length = 0
    try inflate(file) { chunk throws(FileError) in
      length += chunk.count
      guard length <= limit else { throw tooLarge(file.path, limit: limit) }
      return true
    }
    return length
  }

  /// Hands the content of a gzip file to `receive` in chunks, until it returns false.
  ///
  /// - Throws: `FileError` where the file is not gzip or damaged, and what `receive` throws.
  package static func inflate(
    _ bytes: [UInt8], path: String,
    _ receive: (UnsafeRawBufferPointer) throws(FileError) -> Bool
  ) throws(FileError) {
    guard isCompressed(bytes) else {
      throw FileError(
        path: path, kind: bytes.count < 2 ? .truncated : .corrupt,
        reason: "is not a gzip file: expected the bytes 1f 8b at its start")
    }
    try run(bytes, path: path, .gzip, receive)
  }

  /// Hands the content of a gzip file to `receive` in chunks, until it returns false. The file is read by
  /// blocks, so that it takes no memory.
  ///
  /// - Throws: `FileError` where the file is damaged, and what `receive` throws.
  package static func inflate(
    _ file: FileInput, _ receive: (UnsafeRawBufferPointer) throws(FileError) -> Bool
  ) throws(FileError) {
    let block = UnsafeMutableRawBufferPointer.allocate(byteCount: 1 << 20, alignment: 64)
    defer { block.deallocate() }
    var inflater = try Inflater(file.size, path: file.path, .gzip)
    try inflater.run(
      { offset throws(FileError) in
        let piece = UnsafeMutableRawBufferPointer(
          rebasing: block[..<min(block.count, file.size - offset)])
        try file.read(into: piece, at: offset)
        return UnsafeRawBufferPointer(piece)
      }, receive)
  }

  /// The content of deflated bytes without a header, as zip archives hold them.
  ///
  /// - Parameter limit: the largest content accepted, in bytes.
  static func inflate(
    deflated bytes: [UInt8], path: String, limit: Int
  ) throws(FileError) -> [UInt8] {
    var output: [UInt8] = []
    output.reserveCapacity(min(limit, 1032 * bytes.count))
    try run(bytes, path: path, .plain) { chunk throws(FileError) in
      guard chunk.count <= limit - output.count else { throw tooLarge(path, limit: limit) }
      output.append(contentsOf: chunk)
      return true
    }
    return output
  }

  /// What is around deflated bytes.
  private enum Wrapping {
    case gzip
    case plain
  }

  private static func run(
    _ bytes: [UInt8], path: String, _ wrapping: Wrapping,
    _ receive: (UnsafeRawBufferPointer) throws(FileError) -> Bool
  ) throws(FileError) {
    var failure: FileError?
    bytes.withUnsafeBytes { input in
      do throws(FileError) {
        var inflater = try Inflater(input.count, path: path, wrapping)
        try inflater.run(
          { offset in
            UnsafeRawBufferPointer(rebasing: input[offset..<min(offset + 1 << 30, input.count)])
          }, receive)
      } catch {
        failure = error
      }
    }
    if let failure { throw failure }
  }

  /// zlib's state over one input, whose pieces are asked for as they are needed.
  private struct Inflater: ~Copyable {
    /// The piece of the input that begins at an offset before its end; it stays valid until the next one.
    typealias Pieces = (Int) throws(FileError) -> UnsafeRawBufferPointer

    private let stream: UnsafeMutablePointer<z_stream>
    /// The number of bytes of the input.
    private let size: Int
    private let path: String
    private let wrapping: Wrapping
    /// How many bytes of the input were handed to zlib.
    private var given = 0

    init(_ size: Int, path: String, _ wrapping: Wrapping) throws(FileError) {
      // zlib keeps the address of its stream: it must not move.
      let stream = UnsafeMutablePointer<z_stream>.allocate(capacity: 1)
      stream.initialize(to: z_stream())
      // 15 bits of window; 16 more ask for the gzip format with its checksum, a minus for no wrapping.
      let code = inflateInit2_(
        stream, wrapping == .gzip ? 15 + 16 : -15, ZLIB_VERSION, Int32(MemoryLayout<z_stream>.size))
      guard code == Z_OK else {
        stream.deallocate()
        throw FileError(path: path, kind: .corrupt, reason: "zlib does not start (code \(code))")
      }
      self.stream = stream
      self.size = size
      self.path = path
      self.wrapping = wrapping
    }

    deinit {
      inflateEnd(stream)
      stream.deallocate()
    }

    /// How many bytes of the input zlib has consumed.
    private var consumed: Int { given - Int(stream.pointee.avail_in) }

    mutating func run(
      _ pieces: Pieces, _ receive: (UnsafeRawBufferPointer) throws(FileError) -> Bool
    ) throws(FileError) {
      let chunk = UnsafeMutableRawBufferPointer.allocate(byteCount: 1 << 18, alignment: 64)
      defer { chunk.deallocate() }
      while true {
        try ReadingStop.check(path)
        if stream.pointee.avail_in == 0, given < size { try give(pieces(given)) }
        stream.pointee.next_out = chunk.baseAddress!.assumingMemoryBound(to: UInt8.self)
        stream.pointee.avail_out = UInt32(chunk.count)
        let code = CZlib.inflate(stream, Z_NO_FLUSH)
        let produced = chunk.count - Int(stream.pointee.avail_out)
        if produced > 0 {
          guard try receive(UnsafeRawBufferPointer(rebasing: chunk[..<produced])) else { return }
        }
        switch code {
        case Z_OK: continue
        case Z_STREAM_END:
          if wrapping == .plain { return }
          if try isPadding(pieces) { return }
          inflateReset(stream)
        case Z_BUF_ERROR:
          // No progress is possible: the input is used up before the data's end.
          throw FileError(
            path: path, kind: .truncated,
            reason: "truncated: the gzip data ends after \(size) bytes, "
              + "before its end mark and checksum")
        default:
          let text = stream.pointee.msg.map { String(cString: $0) } ?? "code \(code)"
          throw FileError(
            path: path, kind: .corrupt, reason: "corrupt gzip data near byte \(consumed): \(text)")
        }
      }
    }

    /// Hands a piece to zlib, which reads through its pointer and never writes.
    private mutating func give(_ piece: UnsafeRawBufferPointer) {
      stream.pointee.next_in = UnsafeMutablePointer(
        mutating: piece.baseAddress!.assumingMemoryBound(to: UInt8.self))
      stream.pointee.avail_in = UInt32(piece.count)
      given += piece.count
    }

    /// Whether nothing but zero bytes follow the end of a member; false where another one begins, which zlib
    /// is given.
    ///
    /// - Throws: `FileError` for any other bytes.
    private mutating func isPadding(_ pieces: Pieces) throws(FileError) -> Bool {
      let end = consumed
      var (offset, start): (Int, [UInt8]) = (end, [])
      while offset < size {
        let piece = try pieces(offset)
        offset += piece.count
        start += piece.prefix(2 - start.count)
        if start.count == 2, isCompressed(start) {
          given = end
          try give(pieces(end))
          return false
        }
        guard piece.allSatisfy({ $0 == 0 }) || start.count < 2 else {
          throw FileError(
            path: path, kind: .corrupt,
            reason: "\(size - end) bytes follow the end of the gzip data")
        }
      }
      guard start.allSatisfy({ $0 == 0 }) else {
        throw FileError(
          path: path, kind: .corrupt,
          reason: "\(size - end) bytes follow the end of the gzip data")
      }
      return true
    }
  }
}
