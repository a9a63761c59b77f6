import LockstepPlatform

/// A regular file open for reading at any offset.
///
/// Files are read, never mapped: a mapping of a file that somebody truncates ends the process.
package final class FileInput: Sendable {
  /// The path, as the caller gave it.
  package let path: String
  /// The number of bytes when the file was opened.
  package let size: Int

  private let descriptor: Int32

  /// Opens a regular file of at most `limit` bytes. A fifo or a device is refused, never waited for.
  ///
  /// - Parameter followsLinks: whether a symbolic link as the last part of the path is followed; if
  ///   not it is refused.
  package init(
    _ path: String, limit: Int = .max, followsLinks: Bool = true
  ) throws(FileError) {
    // Without O_NONBLOCK, opening a fifo waits for a writer.
    let flags = O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY | (followsLinks ? 0 : O_NOFOLLOW)
    let descriptor = open(path, flags)
    if descriptor < 0 {
      if errno == ELOOP, !followsLinks { throw .isLink(path) }
      throw FileError(path: path, call: "open", code: errno)
    }
    var status = stat()
    guard fstat(descriptor, &status) == 0 else {
      let code = errno
      close(descriptor)
      throw FileError(path: path, call: "stat", code: code)
    }
    let size = Int(status.st_size)
    guard status.st_mode & S_IFMT == S_IFREG, size <= limit else {
      close(descriptor)
      throw status.st_mode & S_IFMT == S_IFREG
        ? FileError(
          path: path, kind: .tooLarge,
          reason: "is \(size) bytes long, more than the limit of \(limit)")
        : FileError(path: path, kind: .mismatch, reason: "is not a regular file")
    }
    self.path = path
    self.size = size
    self.descriptor = descriptor
  }

  deinit { close(descriptor) }

  /// Fills `bytes` from `offset` on; throws `.truncated` where the file ends before.
  package func read(
    into bytes: UnsafeMutableRawBufferPointer, at offset: Int
  ) throws(FileError) {
    var done = 0
    while done < bytes.count {
      try ReadingStop.check(path)
      let count = pread(
        descriptor, bytes.baseAddress! + done, min(bytes.count - done, 1 << 30), offset + done)
      if count > 0 {
        done += count
      } else if count == 0 {
        throw FileError(
          path: path, kind: .truncated,
          reason: "truncated: expected \(bytes.count) bytes at offset \(offset), found \(done)")
      } else if errno != EINTR {
        throw FileError(path: path, call: "read", code: errno)
      }
    }
  }

  /// The bytes of a range.
  package func bytes(_ range: Range<Int>) throws(FileError) -> [UInt8] {
    var failure: FileError?
    let bytes = [UInt8](unsafeUninitializedCapacity: range.count) { buffer, count in
      do throws(FileError) {
        try read(
          into: UnsafeMutableRawBufferPointer(start: buffer.baseAddress, count: range.count),
          at: range.lowerBound)
        count = range.count
      } catch {
        failure = error
      }
    }
    if let failure { throw failure }
    return bytes
  }

  /// The first bytes, fewer where the file is shorter.
  package func prefix(_ count: Int) throws(FileError) -> [UInt8] {
    try bytes(0..<min(count, size))
  }

  /// The whole content.
  package func contents() throws(FileError) -> [UInt8] { try bytes(0..<size) }

  /// Hands the content, or a range of it, to `body` in blocks of 1 MiB, each with its offset.
  package func forEachBlock(
    in range: Range<Int>? = nil,
    _ body: (UnsafeRawBufferPointer, _ offset: Int) throws(FileError) -> Void
  ) throws(FileError) {
    let range = range ?? 0..<size
    let block = UnsafeMutableRawBufferPointer.allocate(
      byteCount: min(1 << 20, max(range.count, 1)), alignment: 64)
    defer { block.deallocate() }
    var offset = range.lowerBound
    while offset < range.upperBound {
      let part = UnsafeMutableRawBufferPointer(
        rebasing: block[..<min(block.count, range.upperBound - offset)])
      try read(into: part, at: offset)
      try body(UnsafeRawBufferPointer(part), offset)
      offset += part.count
    }
  }

  /// The whole content of a file of at most `limit` bytes.
  package static func contents(
    of path: String, limit: Int = 4 << 30
  ) throws(FileError) -> [UInt8] {
    try FileInput(path, limit: limit).contents()
  }
}
