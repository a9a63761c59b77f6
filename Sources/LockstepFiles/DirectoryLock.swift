#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#endif

/// The exclusive use of a directory, as long as the value lives and its process does.
///
/// A file `.lock` in the directory is locked with `flock`; the system releases it whatever ends the
/// process, so that no stale lock ever stands in the way. The file stays, and tells host and process
/// of the last holder.
public struct DirectoryLock: ~Copyable {
  private let descriptor: Int32

  /// Takes the lock.
  ///
  /// - Throws: `FileError` of kind `.mismatch` that names the holder where somebody has it.
  public init(_ directory: String) throws(FileError) {
    let path = "\(directory)/.lock"
    let descriptor = open(path, O_CREAT | O_RDWR | O_CLOEXEC, 0o666)
    if descriptor < 0 { throw FileError(path: path, call: "create", code: errno) }
    if flock(descriptor, LOCK_EX | LOCK_NB) != 0 {
      let code = errno
      defer { close(descriptor) }
      guard code == EWOULDBLOCK else { throw FileError(path: path, call: "lock", code: code) }
      var holder = [UInt8](repeating: 0, count: 256)
      let count = max(pread(descriptor, &holder, holder.count, 0), 0)
      throw FileError(
        path: directory, kind: .mismatch,
        reason: "is in use by " + String(decoding: holder[..<count], as: UTF8.self))
    }
    let holder = Array("process \(getpid()) on \(hostName)".utf8)
    // The text is for messages alone: where it cannot be written, the lock holds all the same.
    _ = ftruncate(descriptor, 0)
    _ = pwrite(descriptor, holder, holder.count, 0)
    self.descriptor = descriptor
  }

  deinit { close(descriptor) }
}
