#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#endif

/// A regular file open for reading at any offset.
///
/// Files are read, never mapped: a mapping of a file that somebody truncates ends the process.
public final class FileInput: Sendable {
  /// The path, as the caller gave it.
  public let path: String
  /// The number of bytes when the file was opened.
  public let size: Int

  private let descriptor: Int32

  /// Opens a regular file.
  public init(_ path: String) throws(FileError) {
    let descriptor = open(path, O_RDONLY | O_CLOEXEC)
    if descriptor < 0 { throw FileError(path: path, call: "open", code: errno) }
    var status = stat()
    guard fstat(descriptor, &status) == 0 else {
      let code = errno
      close(descriptor)
      throw FileError(path: path, call: "stat", code: code)
    }
    guard status.st_mode & S_IFMT == S_IFREG else {
      close(descriptor)
      throw FileError(path: path, kind: .mismatch, reason: "is not a regular file")
    }
    self.path = path
    self.size = Int(status.st_size)
    self.descriptor = descriptor
  }

  deinit { close(descriptor) }

  /// Fills `bytes` from `offset` on; throws `.truncated` where the file ends before.
  public func read(
    into bytes: UnsafeMutableRawBufferPointer, at offset: Int
  ) throws(FileError) {
    var done = 0
    while done < bytes.count {
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

  /// The whole content of a file of at most `limit` bytes.
  public static func contents(
    of path: String, limit: Int = 4 << 30
  ) throws(FileError) -> [UInt8] {
    let file = try FileInput(path)
    guard file.size <= limit else {
      throw FileError(
        path: path, kind: .tooLarge,
        reason: "is \(file.size) bytes long, more than the limit of \(limit)")
    }
    var failure: FileError?
    let bytes = [UInt8](unsafeUninitializedCapacity: file.size) { buffer, count in
      do throws(FileError) {
        try file.read(
          into: UnsafeMutableRawBufferPointer(start: buffer.baseAddress, count: file.size), at: 0)
        count = file.size
      } catch {
        failure = error
      }
    }
    if let failure { throw failure }
    return bytes
  }
}
