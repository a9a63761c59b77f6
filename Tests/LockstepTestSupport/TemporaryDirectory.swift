#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#endif
import LockstepFiles

/// A directory of a test's own, removed with its files when the value goes.
public final class TemporaryDirectory: Sendable {
  /// The directory's path.
  public let path: String

  public init() {
    // In memory where possible: fsync on a busy disk takes seconds.
    for root in ["/dev/shm", "/tmp"] {
      var template = Array("\(root)/lockstep-test-XXXXXX".utf8CString)
      if mkdtemp(&template) != nil {
        path = String(decoding: template.dropLast().map(UInt8.init(bitPattern:)), as: UTF8.self)
        return
      }
    }
    fatalError("no temporary directory: errno \(errno)")
  }

  deinit {
    let files = SystemFileSystem()
    for name in (try? files.list(path)) ?? [] { unlink("\(path)/\(name)") }
    rmdir(path)
  }

  /// The path of a file in the directory.
  public func file(_ name: String) -> String { "\(path)/\(name)" }

  /// Writes a file, without ceremony, and returns its path.
  public func write(_ bytes: [UInt8], to name: String = "file") -> String {
    let descriptor = open(file(name), O_CREAT | O_TRUNC | O_WRONLY, 0o644)
    precondition(descriptor >= 0, "cannot create \(file(name))")
    defer { close(descriptor) }
    precondition(posixWrite(descriptor, bytes, bytes.count) == bytes.count, "short write")
    return file(name)
  }
}

/// The C function under a name that methods do not hide.
private func posixWrite(_ descriptor: Int32, _ bytes: [UInt8], _ count: Int) -> Int {
  write(descriptor, bytes, count)
}

/// Removes an empty directory.
public func removeDirectory(_ path: String) { rmdir(path) }
