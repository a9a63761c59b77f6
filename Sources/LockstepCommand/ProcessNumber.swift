#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#endif

/// This process, as file names need it.
enum ProcessNumber {
  static var own: Int32 { getpid() }

  /// Removes a file, if it is there.
  static func removeFile(_ path: String) { unlink(path) }
}

/// The directory that relative paths start from.
enum WorkingDirectory {
  static var path: String {
    guard let path = getcwd(nil, 0) else { return "." }
    defer { free(path) }
    return String(cString: path)
  }
}

extension String {
  /// What a symbolic link leads to; the path itself where it is none.
  var resolved: String {
    var path = [CChar](repeating: 0, count: Int(PATH_MAX) + 1)
    let count = readlink(self, &path, Int(PATH_MAX))
    guard count > 0 else { return self }
    return String(decoding: path[..<count].map { UInt8(bitPattern: $0) }, as: UTF8.self)
  }
}
