import LockstepPlatform

/// Writes to a path that a user named, as other programs do: a file is replaced in one step, a
/// symbolic link is followed, and a device, a fifo or one of the process's own descriptors is
/// written into.
package enum OutputFile {
  /// Writes what `body` writes.
  ///
  /// - Throws: `FileError` with the path and the system's text, or what `body` throws. A file is then
  ///   as it was before.
  package static func write(
    _ path: String, _ body: (inout AtomicFile.Output) throws -> Void
  ) throws {
    if let descriptor = ownDescriptor(path) {
      return try writeInto(path, body) { dup(descriptor) }
    }
    switch FileKind(path) {
    case .regular:
      guard FileKind(path, followsLinks: false) == .link else {
        return try AtomicFile.write(path, body)
      }
      try AtomicFile.write(try target(ofLink: path), body)
    case .missing where FileKind(path, followsLinks: false) == .link:
      throw FileError(
        path: path, kind: .mismatch, reason: "is a symbolic link that leads nowhere; remove it")
    case .missing, .link: try AtomicFile.write(path, body)
    case .directory:
      throw FileError(path: path, kind: .mismatch, reason: "is a directory; name a file in it")
    case .other: try writeInto(path, body) { open(path, O_WRONLY | O_CLOEXEC | O_NOCTTY) }
    }
  }

  /// Writes text in UTF-8.
  package static func write(_ path: String, text: String) throws {
    try write(path) { output in try output.append(text) }
  }

  private static func writeInto(
    _ path: String, _ body: (inout AtomicFile.Output) throws -> Void, _ open: () -> Int32
  ) throws {
    var descriptor = open()
    while descriptor < 0, errno == EINTR { descriptor = open() }
    if descriptor < 0 { throw FileError(path: path, call: "create", code: errno) }
    let fileSystem = SystemFileSystem()
    var output = AtomicFile.Output(fileSystem, descriptor, path)
    do { try body(&output) } catch {
      try? fileSystem.close(descriptor, path: path)
      throw error
    }
    try fileSystem.close(descriptor, path: path)
  }

  /// The descriptor that a path like `/dev/stdout` or `/dev/fd/3` stands for. Opening such a path would
  /// begin a file again that others write to.
  private static func ownDescriptor(_ path: String) -> Int32? {
    switch path {
    case "/dev/stdout": return STDOUT_FILENO
    case "/dev/stderr": return STDERR_FILENO
    default: break
    }
    for prefix in ["/dev/fd/", "/proc/self/fd/"] where path.hasPrefix(prefix) {
      return Int32(path.dropFirst(prefix.count))
    }
    return nil
  }

  private static func target(ofLink path: String) throws(FileError) -> String {
    guard let resolved = realpath(path, nil) else {
      throw FileError(path: path, call: "resolve", code: errno)
    }
    defer { free(resolved) }
    return String(cString: resolved)
  }
}
