import LockstepPlatform

/// What a path names.
package enum FileKind: Sendable, Equatable {
  /// A regular file.
  case regular
  /// A directory.
  case directory
  /// A symbolic link, where links are not followed.
  case link
  /// A fifo, a device or a socket.
  case other
  /// Nothing, or nothing that this process may see.
  case missing

  /// The kind of what a path names.
  ///
  /// - Parameter followsLinks: whether a symbolic link stands for what it leads to.
  package init(_ path: String, followsLinks: Bool = true) {
    var status = stat()
    guard fstatat(AT_FDCWD, path, &status, followsLinks ? 0 : AT_SYMLINK_NOFOLLOW) == 0 else {
      self = .missing
      return
    }
    switch status.st_mode & S_IFMT {
    case S_IFREG: self = .regular
    case S_IFDIR: self = .directory
    case S_IFLNK: self = .link
    default: self = .other
    }
  }
}
