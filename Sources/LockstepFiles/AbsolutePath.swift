#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#endif

/// Paths that mean the same file in every working directory.
public enum AbsolutePath {
  /// The path of a file that is named relative to a folder.
  ///
  /// - Parameter folder: an absolute path, or one relative to the working directory; nil for the
  ///   working directory itself.
  public static func of(_ path: String, in folder: String? = nil) -> String {
    if path.hasPrefix("/") { return path }
    let base = folder.map { of($0) } ?? workingDirectory
    var name = path[...]
    while name.hasPrefix("./") { name = name.dropFirst(2) }
    if name.isEmpty || name == "." { return base }
    return base.hasSuffix("/") ? base + name : "\(base)/\(name)"
  }

  /// The folder that a file lies in, as an absolute path.
  public static func folder(of file: String) -> String {
    let path = of(file)
    guard let slash = path.lastIndex(of: "/"), slash != path.startIndex else { return "/" }
    return String(path[..<slash])
  }

  private static var workingDirectory: String {
    guard let path = getcwd(nil, 0) else { return "." }
    defer { free(path) }
    return String(cString: path)
  }
}
