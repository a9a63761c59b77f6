import LockstepPlatform

/// The system's text for an `errno` value, "No space left on device".
func systemErrorText(_ code: Int32) -> String {
  withUnsafeTemporaryAllocation(of: CChar.self, capacity: 256) { buffer in
    buffer.initialize(repeating: 0)
    _ = strerror_r(code, buffer.baseAddress!, buffer.count)
    return String(cString: buffer.baseAddress!)
  }
}

// The C functions under names that the protocol's methods do not hide.
private func systemWrite(_ descriptor: Int32, _ bytes: UnsafeRawBufferPointer) -> Int {
  write(descriptor, bytes.baseAddress!, bytes.count)
}
private func systemClose(_ descriptor: Int32) -> Int32 { close(descriptor) }
private func systemRename(_ path: String, _ newPath: String) -> Int32 { rename(path, newPath) }

/// The calls that durable writing is made of.
///
/// Writers go through this protocol, so that a test can record the calls and replay every prefix of
/// them with the effects dropped that a power failure may drop.
package protocol FileSystem: Sendable {
  /// Creates a file for writing; fails with `EEXIST` where the name is taken. Returns a descriptor.
  func create(_ path: String) throws(FileError) -> Int32
  /// Appends all bytes.
  func write(_ bytes: UnsafeRawBufferPointer, to descriptor: Int32, path: String) throws(FileError)
  /// Makes the file's content durable.
  func synchronize(_ descriptor: Int32, path: String) throws(FileError)
  /// Closes the descriptor.
  func close(_ descriptor: Int32, path: String) throws(FileError)
  /// Gives a file another name in one step, replacing what had that name.
  func rename(_ path: String, to newPath: String) throws(FileError)
  /// Makes the names in a directory durable.
  func synchronizeDirectory(_ path: String) throws(FileError)
  /// Removes a file; succeeds where there is none.
  func remove(_ path: String) throws(FileError)
  /// Creates a directory and those above it, durably; succeeds where it exists.
  func createDirectory(_ path: String) throws(FileError)
  /// The names in a directory, sorted.
  func list(_ directory: String) throws(FileError) -> [String]
}

/// The operating system's files.
package struct SystemFileSystem: FileSystem {
  /// Makes the system's files available; nothing is opened.
  package init() {}

  /// Repeats a call that a signal interrupted; throws where it fails otherwise.
  @discardableResult
  private func check(
    _ path: String, _ call: String, _ body: () -> Int
  ) throws(FileError) -> Int {
    while true {
      let result = body()
      if result >= 0 { return result }
      let code = errno
      if code != EINTR { throw FileError(path: path, call: call, code: code) }
    }
  }

  package func create(_ path: String) throws(FileError) -> Int32 {
    Int32(
      try check(path, "create") {
        Int(open(path, O_CREAT | O_EXCL | O_WRONLY | O_CLOEXEC, 0o666))
      })
  }

  package func write(
    _ bytes: UnsafeRawBufferPointer, to descriptor: Int32, path: String
  ) throws(FileError) {
    var rest = bytes[...]
    while !rest.isEmpty {
      let part = UnsafeRawBufferPointer(rebasing: rest.prefix(1 << 30))
      let written = try check(path, "write") { systemWrite(descriptor, part) }
      rest = rest.dropFirst(written)
    }
  }

  package func synchronize(_ descriptor: Int32, path: String) throws(FileError) {
    try check(path, "fsync") { Int(fsync(descriptor)) }
  }

  package func close(_ descriptor: Int32, path: String) throws(FileError) {
    // Linux releases the descriptor even where close reports EINTR: calling again would be wrong.
    if systemClose(descriptor) != 0, errno != EINTR {
      throw FileError(path: path, call: "close", code: errno)
    }
  }

  package func rename(_ path: String, to newPath: String) throws(FileError) {
    try check(newPath, "rename") { Int(systemRename(path, newPath)) }
  }

  package func synchronizeDirectory(_ path: String) throws(FileError) {
    let descriptor = Int32(
      try check(path, "open") { Int(open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC)) })
    defer { try? close(descriptor, path: path) }
    do {
      try synchronize(descriptor, path: path)
    } catch {
      // Some network and user-space file systems know no fsync of directories.
      guard case .system(_, EINVAL) = error.kind else { throw error }
    }
  }

  package func remove(_ path: String) throws(FileError) {
    if unlink(path) != 0, errno != ENOENT {
      throw FileError(path: path, call: "remove", code: errno)
    }
  }

  package func createDirectory(_ path: String) throws(FileError) {
    let parent = splitPath(path)?.directory ?? path
    if mkdir(path, 0o777) == 0 { return try synchronizeDirectory(parent) }
    var code = errno
    if code == ENOENT, parent != path, parent != "." {
      try createDirectory(parent)
      if mkdir(path, 0o777) == 0 { return try synchronizeDirectory(parent) }
      code = errno
    }
    var status = stat()
    if code == EEXIST, stat(path, &status) == 0, status.st_mode & S_IFMT == S_IFDIR { return }
    throw FileError(path: path, call: "create directory", code: code)
  }

  /// Creates a directory that nobody has: the path, or the path with the first free number behind it
  /// (`-2`, `-3`, …). Those above it are created too.
  ///
  /// The name is taken by its creation, so that two callers never get the same one.
  ///
  /// - Returns: the path of the new directory.
  package func createNewDirectory(_ path: String) throws(FileError) -> String {
    if let parent = splitPath(path)?.directory, parent != "." { try createDirectory(parent) }
    var name = path
    var number = 1
    while mkdir(name, 0o777) != 0 {
      guard errno == EEXIST else {
        throw FileError(path: name, call: "create directory", code: errno)
      }
      number += 1
      name = "\(path)-\(number)"
    }
    try synchronizeDirectory(splitPath(name)?.directory ?? name)
    return name
  }

  package func list(_ directory: String) throws(FileError) -> [String] {
    guard let stream = opendir(directory) else {
      throw FileError(path: directory, call: "open directory", code: errno)
    }
    defer { closedir(stream) }
    var names: [String] = []
    while let entry = readdir(stream) {
      let name = withUnsafePointer(to: &entry.pointee.d_name) { pointer in
        pointer.withMemoryRebound(to: CChar.self, capacity: 256) { String(cString: $0) }
      }
      if name != ".", name != ".." { names.append(name) }
    }
    return names.sorted()
  }
}

/// The directory and the last component of a path; nil where there is no last component.
func splitPath(_ path: String) -> (directory: String, name: String)? {
  var bytes = path.utf8[...]
  while bytes.count > 1, bytes.last == UInt8(ascii: "/") { bytes = bytes.dropLast() }
  guard let slash = bytes.lastIndex(of: UInt8(ascii: "/")) else {
    return bytes.isEmpty ? nil : (".", String(bytes)!)
  }
  let name = bytes[bytes.index(after: slash)...]
  if name.isEmpty { return nil }
  let directory = bytes[..<slash]
  return (directory.isEmpty ? "/" : String(directory)!, String(name)!)
}
