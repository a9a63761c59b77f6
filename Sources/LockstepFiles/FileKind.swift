#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#endif

/// What a path names.
public enum FileKind: Sendable, Equatable {
  case regular
  case directory
  case other
  /// Nothing, or nothing that this process may see.
  case missing

  /// The kind of what a path names, links followed.
  public init(_ path: String) {
    var status = stat()
    guard stat(path, &status) == 0 else {
      self = .missing
      return
    }
    switch status.st_mode & S_IFMT {
    case S_IFREG: self = .regular
    case S_IFDIR: self = .directory
    default: self = .other
    }
  }
}
