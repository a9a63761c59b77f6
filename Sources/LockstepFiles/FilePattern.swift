import LockstepPlatform

/// Patterns of file names, as shells have them: `*`, `?` and `[…]`.
package enum FilePattern {
  /// Whether a path is a pattern.
  package static func isPattern(_ path: String) -> Bool {
    path.contains { "*?[".contains($0) }
  }

  /// The files that match a pattern, sorted by the bytes of their names.
  package static func files(_ pattern: String) -> [String] {
    var found = glob_t()
    defer { globfree(&found) }
    guard glob(pattern, GLOB_NOSORT, nil, &found) == 0, let paths = found.gl_pathv else {
      return []
    }
    return (0..<Int(found.gl_pathc))
      .compactMap { paths[$0].map { String(cString: $0) } }
      .filter { FileKind($0) == .regular }
      .sorted { Array($0.utf8).lexicographicallyPrecedes(Array($1.utf8)) }
  }
}
