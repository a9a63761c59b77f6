import LockstepPlatform

/// Writes files that are, at every instant and after every crash, wholly old or wholly new.
///
/// The bytes go to a temporary name in the same directory and are made durable (fsync); then the
/// name is replaced in one step (rename) and made durable too (fsync of the directory). A writer
/// that dies leaves a temporary file behind, whose name tells host and process; ``leftovers(in:of:fileSystem:)``
/// finds those of the dead.
///
/// A symbolic link at the path is replaced, not followed: these are a program's own files. What a
/// user names goes to ``OutputFile``.
public enum AtomicFile {
  /// Appends bytes to a file that is being written.
  public struct Output: ~Copyable {
    private let fileSystem: any FileSystem
    private let descriptor: Int32
    private let path: String
    /// The number of bytes written so far.
    public private(set) var count = 0

    init(_ fileSystem: any FileSystem, _ descriptor: Int32, _ path: String) {
      self.fileSystem = fileSystem
      self.descriptor = descriptor
      self.path = path
    }

    /// Appends bytes.
    package mutating func append(_ bytes: UnsafeRawBufferPointer) throws(FileError) {
      try fileSystem.write(bytes, to: descriptor, path: path)
      count += bytes.count
    }

    /// Appends bytes.
    public mutating func append(_ bytes: [UInt8]) throws(FileError) {
      var failure: FileError?
      bytes.withUnsafeBytes { buffer in
        do throws(FileError) { try append(buffer) } catch { failure = error }
      }
      if let failure { throw failure }
    }

    /// Appends text in UTF-8.
    public mutating func append(_ text: String) throws(FileError) {
      try append(Array(text.utf8))
    }
  }

  /// Replaces the content of `path` by what `body` writes.
  ///
  /// - Parameters:
  ///   - path: the file's.
  ///   - isDurable: whether to wait for the disk. Without, the file is wholly old or new when the
  ///     process dies, but not when the machine does: for who may have no time to wait.
  ///   - fileSystem: where the file is.
  ///   - body: writes the content.
  /// - Throws: `FileError` with the path and the system's text, or what `body` throws. The old
  ///   content is then untouched and the temporary file removed.
  public static func write(
    _ path: String, isDurable: Bool = true, fileSystem: any FileSystem = SystemFileSystem(),
    _ body: (inout Output) throws -> Void
  ) throws {
    guard let (directory, name) = splitPath(path) else {
      throw FileError(path: path, kind: .mismatch, reason: "is not the path of a file")
    }
    let (temporary, descriptor) = try createTemporary(directory, name, fileSystem)
    do {
      do {
        var output = Output(fileSystem, descriptor, temporary)
        try body(&output)
        if isDurable { try fileSystem.synchronize(descriptor, path: temporary) }
      } catch {
        try? fileSystem.close(descriptor, path: temporary)
        throw error
      }
      try fileSystem.close(descriptor, path: temporary)
      try fileSystem.rename(temporary, to: path)
    } catch {
      try? fileSystem.remove(temporary)
      throw error
    }
    if isDurable { try fileSystem.synchronizeDirectory(directory) }
  }

  /// Replaces the content of `path` by `bytes`.
  public static func write(
    _ path: String, bytes: [UInt8], isDurable: Bool = true,
    fileSystem: any FileSystem = SystemFileSystem()
  ) throws {
    try write(path, isDurable: isDurable, fileSystem: fileSystem) { output in
      try output.append(bytes)
    }
  }

  /// Replaces the content of `path` by `text` in UTF-8.
  public static func write(
    _ path: String, text: String, isDurable: Bool = true,
    fileSystem: any FileSystem = SystemFileSystem()
  ) throws {
    try write(path, bytes: Array(text.utf8), isDurable: isDurable, fileSystem: fileSystem)
  }

  // MARK: - Temporary names

  /// Which writers' temporary files to look for.
  public enum Writers: Sendable {
    /// Those of processes of this host that no longer exist.
    case dead
    /// All: right only for who holds the directory's lock.
    case all
  }

  private static let suffix = ".lockstep-temporary"

  /// Whether a name is that of a file that is being written, or was when its writer died.
  package static func isTemporary(_ name: String) -> Bool { writer(of: name) != nil }

  /// A temporary name: a dot, the final name, host, process and a number to tell files apart.
  private static func temporaryName(_ name: String, _ number: Int) -> String {
    ".\(name)@\(hostName)@\(getpid())@\(number)\(suffix)"
  }

  private static func createTemporary(
    _ directory: String, _ name: String, _ fileSystem: any FileSystem
  ) throws -> (path: String, descriptor: Int32) {
    // A dead process may have had this process's number, and left its names taken.
    var number = 0
    while true {
      let path = "\(directory)/\(temporaryName(name, number))"
      do throws(FileError) {
        return (path, try fileSystem.create(path))
      } catch {
        guard case .system(_, EEXIST) = error.kind, number < 10_000 else {
          throw FileError(path: "\(directory)/\(name)", kind: error.kind, reason: error.reason)
        }
        number += 1
      }
    }
  }

  /// The paths of temporary files that writers left in a directory, sorted.
  public static func leftovers(
    in directory: String, of writers: Writers = .dead,
    fileSystem: any FileSystem = SystemFileSystem()
  ) throws -> [String] {
    try fileSystem.list(directory).filter { name in
      guard let (host, process) = writer(of: name) else { return false }
      switch writers {
      case .all: return true
      case .dead: return host == hostName && kill(process, 0) != 0 && errno == ESRCH
      }
    }.map { "\(directory)/\($0)" }
  }

  /// Removes what ``leftovers(in:of:fileSystem:)`` finds, folders excepted; returns the paths.
  @discardableResult
  public static func removeLeftovers(
    in directory: String, of writers: Writers = .dead,
    fileSystem: any FileSystem = SystemFileSystem()
  ) throws -> [String] {
    let paths = try leftovers(in: directory, of: writers, fileSystem: fileSystem)
      .filter { FileKind($0, followsLinks: false) != .directory }
    for path in paths { try fileSystem.remove(path) }
    return paths
  }

  /// The host and process in a temporary name; nil for any other name.
  private static func writer(of name: String) -> (host: String, process: Int32)? {
    guard name.hasPrefix("."), name.hasSuffix(suffix) else { return nil }
    let parts = name.dropLast(suffix.utf8.count).split(separator: "@")
    guard parts.count >= 4, let process = Int32(parts[parts.count - 2]), process > 0,
      Int(parts[parts.count - 1]) != nil
    else { return nil }
    return (String(parts[parts.count - 3]), process)
  }
}
