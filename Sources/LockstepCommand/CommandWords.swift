import LockstepPlatform

extension CommandLine {
  /// The words of the command line, the program's name first.
  ///
  /// - Throws: ``ArgumentError`` for a word that is not UTF-8. Swift's own list repairs it, and a name
  ///   of a file would become another's.
  static func words() throws -> [String] {
    try (0..<Int(argc)).map { index in
      guard let start = unsafeArgv[index] else { return "" }
      let bytes = UnsafeRawBufferPointer(start: start, count: strlen(start))
      guard let word = String(validating: bytes, as: UTF8.self) else {
        let shown = bytes.map { byte in
          (0x20..<0x7f).contains(byte)
            ? String(Unicode.Scalar(byte))
            : "\\x" + String(byte >> 4, radix: 16)
              + String(byte & 15, radix: 16)
        }.joined()
        throw ArgumentError(
          description:
            "argument \(index), '\(shown)', is not UTF-8; give files and directories names "
            + "in UTF-8")
      }
      return word
    }
  }
}

extension String {
  /// The text as one word of a POSIX shell, in quotes where it would be none or several without.
  var shellWord: String {
    let plain = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_@%+=:,./-"
    let isPlain =
      !isEmpty && unicodeScalars.allSatisfy { $0.value > 0x9f || plain.unicodeScalars.contains($0) }
    return isPlain ? self : "'" + replacing("'", with: #"'\''"#) + "'"
  }
}
