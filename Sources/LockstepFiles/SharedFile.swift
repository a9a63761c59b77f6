import LockstepPlatform

/// Files that one of several processes makes, and all of them use.
package enum SharedFile {
  /// How long a process waits between two looks, in microseconds.
  private static let pause: UInt32 = 20_000

  /// Makes a file unless it is there. Where several processes ask, one writes, and the others wait for it.
  ///
  /// A lock in a file beside it says who writes; the system releases it whatever ends the process, and another
  /// one begins anew then. The file is there once all of it is written, and durable.
  ///
  /// - Throws: `FileError` where the folder cannot be written, or reading is to be given up meanwhile; what
  ///   `body` throws.
  package static func make(
    _ path: String, _ body: (inout AtomicFile.Output) throws -> Void
  ) throws {
    if FileKind(path) == .regular { return }
    let directory = splitPath(path)?.directory ?? "."
    try SystemFileSystem().createDirectory(directory)
    let lock = "\(path).lock"
    let descriptor = open(lock, O_CREAT | O_RDWR | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK, 0o666)
    if descriptor < 0 { throw FileError(path: lock, call: "create", code: errno) }
    defer { close(descriptor) }
    while flock(descriptor, LOCK_EX | LOCK_NB) != 0 {
      guard errno == EWOULDBLOCK || errno == EINTR else {
        throw FileError(path: lock, call: "lock", code: errno)
      }
      try ReadingStop.check(path)
      usleep(pause)
    }
    // Who waits on the lock still finds the file, whether the lock has a name or not.
    defer { unlink(lock) }
    // Who held the lock before may have made it.
    if FileKind(path) == .regular { return }
    try AtomicFile.removeLeftovers(in: directory)
    try AtomicFile.write(path, body)
  }
}
