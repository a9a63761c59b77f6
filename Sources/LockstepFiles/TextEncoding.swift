/// The ways in which a text file can be something else than lines of UTF-8.
package enum TextEncoding {
  /// Refuses other encodings of Unicode by their names, and what is no text, by a file's first bytes.
  ///
  /// - Throws: `FileError` that says what the file is and how to convert it.
  package static func check(start bytes: [UInt8], path: String) throws(FileError) {
    func refuse(_ reason: String) -> FileError {
      FileError(path: path, kind: .corrupt, reason: reason)
    }
    if let name = name(bytes) {
      throw refuse(
        "the text is in \(name), not in UTF-8; convert it: iconv -f \(name) -t UTF-8 FILE > NEW")
    }
    if let zero = bytes.firstIndex(of: 0) {
      throw refuse("is no text: byte \(zero + 1) is zero")
    }
  }

  /// The name of an encoding with wider units, told by its mark or by where zeros are; nil for others.
  private static func name(_ bytes: [UInt8]) -> String? {
    for (mark, name) in [
      ([0xff, 0xfe, 0, 0], "UTF-32LE"), ([0, 0, 0xfe, 0xff], "UTF-32BE"),
      ([0xff, 0xfe], "UTF-16LE"), ([0xfe, 0xff], "UTF-16BE"),
    ] as [([UInt8], String)] where bytes.starts(with: mark) {
      return name
    }
    // Without a mark: Latin letters leave every other byte zero.
    let start = Array(bytes.prefix(64))
    guard start.count >= 4 else { return nil }
    let even = stride(from: 0, to: start.count - 1, by: 2)
    if even.allSatisfy({ start[$0] != 0 && start[$0 + 1] == 0 }) { return "UTF-16LE" }
    if even.allSatisfy({ start[$0] == 0 && start[$0 + 1] != 0 }) { return "UTF-16BE" }
    return nil
  }
}
