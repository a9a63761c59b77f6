internal import CZstd

/// Reads Zstandard files (RFC 8878) through libzstd.
package enum Zstandard {
  /// Whether bytes begin as a Zstandard file does.
  package static func isCompressed(_ bytes: [UInt8]) -> Bool {
    bytes.starts(with: [0x28, 0xb5, 0x2f, 0xfd])
  }

  /// Hands the content of a file of one or more frames to `receive` in chunks, until it returns false.
  ///
  /// - Parameter limit: the largest content accepted, in bytes.
  /// - Throws: `FileError` where the file is damaged, ends early or is too large, and what `receive` throws.
  package static func inflate(
    _ file: FileInput, limit: Int = 4 << 30,
    _ receive: (UnsafeRawBufferPointer) throws(FileError) -> Bool
  ) throws(FileError) {
    var inflater = try Inflater(file.path)
    var (total, isWanted) = (0, true)
    try file.forEachBlock { block, _ throws(FileError) in
      guard isWanted else { return }
      isWanted = try inflater.take(block) { chunk throws(FileError) in
        total += chunk.count
        guard total <= limit else { throw Gzip.tooLarge(file.path, limit: limit) }
        return try receive(chunk)
      }
    }
    guard !isWanted || inflater.isAtEnd else {
      throw FileError(
        path: file.path, kind: .truncated,
        reason: "truncated: the Zstandard data ends after \(file.size) bytes, before its end")
    }
  }

  /// libzstd's state.
  private struct Inflater: ~Copyable {
    private let stream: OpaquePointer
    private let chunk: UnsafeMutableRawBufferPointer
    private let path: String
    /// Whether a frame ended with the last byte that was taken.
    private(set) var isAtEnd = false

    init(_ path: String) throws(FileError) {
      guard let stream = ZSTD_createDStream() else {
        throw FileError(path: path, kind: .corrupt, reason: "libzstd does not start")
      }
      self.stream = stream
      self.path = path
      chunk = .allocate(byteCount: max(ZSTD_DStreamOutSize(), 1 << 18), alignment: 64)
    }

    deinit {
      ZSTD_freeDStream(stream)
      chunk.deallocate()
    }

    /// Inflates a piece of the file; false where no more is wanted.
    mutating func take(
      _ piece: UnsafeRawBufferPointer,
      _ receive: (UnsafeRawBufferPointer) throws(FileError) -> Bool
    ) throws(FileError) -> Bool {
      var input = ZSTD_inBuffer(src: piece.baseAddress, size: piece.count, pos: 0)
      while true {
        try ReadingStop.check(path)
        var output = ZSTD_outBuffer(dst: chunk.baseAddress, size: chunk.count, pos: 0)
        let code = ZSTD_decompressStream(stream, &output, &input)
        guard ZSTD_isError(code) == 0 else {
          throw FileError(
            path: path, kind: .corrupt,
            reason: "corrupt Zstandard data: \(String(cString: ZSTD_getErrorName(code)))")
        }
        isAtEnd = code == 0
        if output.pos > 0 {
          let wanted = try receive(UnsafeRawBufferPointer(rebasing: chunk[..<output.pos]))
          if !wanted { return false }
        }
        if input.pos == input.size, isAtEnd || output.pos < output.size { return true }
      }
    }
  }
}
