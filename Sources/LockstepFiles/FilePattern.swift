import LockstepPlatform

/// Patterns of file names, as shells have them: `*`, `?` and `[…]`.
package enum FilePattern {
  /// Whether a path is a pattern.
  package static func isPattern(_ path: String) -> Bool {
    path.contains { "*?[".contains($0) }
  }

  /// The files that match a pattern, in the order of their names: by bytes, but for numbers in them, which are
  /// in their own order, so that `part-2` is before `part-10`.
  package static func files(_ pattern: String) -> [String] {
    var found = glob_t()
    defer { globfree(&found) }
    guard glob(pattern, GLOB_NOSORT, nil, &found) == 0, let paths = found.gl_pathv else {
      return []
    }
    return (0..<Int(found.gl_pathc))
      .compactMap { paths[$0].map { String(cString: $0) } }
      .filter { FileKind($0) == .regular }
      .sorted(by: precedes)
  }

  /// Whether a name is before another one.
  static func precedes(_ a: String, _ b: String) -> Bool {
    func isDigit(_ byte: UInt8) -> Bool { (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte) }
    let (left, right) = (Array(a.utf8), Array(b.utf8))
    var (i, j) = (0, 0)
    while i < left.count, j < right.count {
      if isDigit(left[i]), isDigit(right[j]) {
        let one = left[i...].prefix(while: isDigit)
        let other = right[j...].prefix(while: isDigit)
        let (x, y) = (one.drop { $0 == 48 }, other.drop { $0 == 48 })
        if x.count != y.count { return x.count < y.count }
        if !x.elementsEqual(y) { return x.lexicographicallyPrecedes(y) }
        (i, j) = (one.endIndex, other.endIndex)
      } else {
        if left[i] != right[j] { return left[i] < right[j] }
        (i, j) = (i + 1, j + 1)
      }
    }
    let (rest, others) = (left.count - i, right.count - j)
    return rest == others ? left.lexicographicallyPrecedes(right) : rest < others
  }
}
