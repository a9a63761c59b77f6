import LockstepPlatform

/// Paths that mean the same file in every working directory.
package enum AbsolutePath {
  /// The path of a file that is named relative to a folder.
  ///
  /// - Parameter folder: an absolute path, or one relative to the working directory; nil for the
  ///   working directory itself.
  package static func of(_ path: String, in folder: String? = nil) -> String {
    if path.hasPrefix("/") { return path }
    // Without links in it, so that `..` can be taken off its end.
    var base = canonical(folder.map { of($0) } ?? workingDirectory)
    var name = path[...]
    while true {
      if name.hasPrefix("./") {
        name = name.dropFirst(2)
      } else if name.hasPrefix("../") {
        name = name.dropFirst(3)
        base = parent(of: base)
      } else {
        break
      }
    }
    if name.isEmpty || name == "." { return base }
    if name == ".." { return parent(of: base) }
    return base.hasSuffix("/") ? base + name : "\(base)/\(name)"
  }

  /// The folder that a file lies in, as an absolute path.
  package static func folder(of file: String) -> String { canonical(parent(of: of(file))) }

  private static func parent(of path: String) -> String {
    guard let slash = path.lastIndex(of: "/"), slash != path.startIndex else { return "/" }
    return String(path[..<slash])
  }

  /// A folder's path without links and dots; the path itself where there is no such folder.
  private static func canonical(_ path: String) -> String {
    guard let real = realpath(path, nil) else { return path }
    defer { free(real) }
    return String(cString: real)
  }

  private static var workingDirectory: String {
    guard let path = getcwd(nil, 0) else { return "." }
    defer { free(path) }
    return String(cString: path)
  }
}
