import LockstepPlatform

/// The exclusive use of a directory, as long as the value lives and its process does.
///
/// A file `.lock` in the directory is locked with `flock`; the system releases it whatever ends the
/// process, so that no stale lock ever stands in the way. The file stays, and tells host and process
/// of the last holder. A link in its place is refused, never followed.
package final class DirectoryLock: Sendable {
  /// The directory.
  package let directory: String

  private let descriptor: Int32
  /// What the lock is held on. As long as it is open, no other file has the same numbers.
  private let device: UInt64
  private let inode: UInt64

  /// Takes the lock.
  ///
  /// - Throws: `FileError` of kind `.mismatch` that names the holder where somebody has it.
  package init(_ directory: String) throws(FileError) {
    let path = "\(directory)/.lock"
    let descriptor = open(
      path, O_CREAT | O_RDWR | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY, 0o666)
    if descriptor < 0 {
      throw errno == ELOOP ? .isLink(path) : FileError(path: path, call: "create", code: errno)
    }
    var status = stat()
    guard fstat(descriptor, &status) == 0, status.st_mode & S_IFMT == S_IFREG else {
      close(descriptor)
      throw FileError(path: path, kind: .mismatch, reason: "is not a regular file; remove it")
    }
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
    // The text is for messages alone: where it cannot be written, the lock holds all the same. A file
    // with another name too (a hard link) may be somebody's.
    if status.st_nlink == 1 {
      let holder = Array("process \(getpid()) on \(hostName)".utf8)
      _ = ftruncate(descriptor, 0)
      _ = pwrite(descriptor, holder, holder.count, 0)
    }
    self.directory = directory
    self.descriptor = descriptor
    device = UInt64(status.st_dev)
    inode = UInt64(status.st_ino)
  }

  deinit { close(descriptor) }

  /// Makes sure that the directory's path still leads to what was locked.
  ///
  /// - Throws: `FileError` of kind `.replaced` where somebody removed or replaced the directory or its
  ///   lock: it may be another job's by now.
  package func check() throws(FileError) {
    var status = stat()
    if lstat("\(directory)/.lock", &status) == 0 {
      if UInt64(status.st_dev) == device, UInt64(status.st_ino) == inode { return }
    } else if errno != ENOENT, errno != ENOTDIR, errno != ESTALE {
      throw FileError(path: "\(directory)/.lock", call: "stat", code: errno)
    }
    throw FileError(
      path: directory, kind: .replaced,
      reason: "the directory, or the lock in it, was removed or replaced while this job used it; "
        + "nothing more is written there")
  }
}

/// The files of a locked directory: each change makes sure first that the directory is still the one
/// that was locked.
package struct LockedFileSystem: FileSystem {
  private let files: any FileSystem
  private let lock: DirectoryLock

  /// The files of the directory that `lock` holds.
  package init(_ files: any FileSystem = SystemFileSystem(), _ lock: DirectoryLock) {
    self.files = files
    self.lock = lock
  }

  package func create(_ path: String) throws(FileError) -> Int32 {
    try lock.check()
    return try files.create(path)
  }

  package func write(
    _ bytes: UnsafeRawBufferPointer, to descriptor: Int32, path: String
  ) throws(FileError) { try files.write(bytes, to: descriptor, path: path) }

  package func synchronize(_ descriptor: Int32, path: String) throws(FileError) {
    try files.synchronize(descriptor, path: path)
  }

  package func close(_ descriptor: Int32, path: String) throws(FileError) {
    try files.close(descriptor, path: path)
  }

  package func rename(_ path: String, to newPath: String) throws(FileError) {
    try lock.check()
    try files.rename(path, to: newPath)
  }

  package func synchronizeDirectory(_ path: String) throws(FileError) {
    try files.synchronizeDirectory(path)
  }

  package func remove(_ path: String) throws(FileError) {
    try lock.check()
    try files.remove(path)
  }

  package func createDirectory(_ path: String) throws(FileError) {
    try lock.check()
    try files.createDirectory(path)
  }

  package func list(_ directory: String) throws(FileError) -> [String] {
    try files.list(directory)
  }
}
