import LockstepFiles

/// The tokenizers, by the names that JSON has.
package enum TextTokenizers {
  /// Reads a tokenizer that ``DescribedTokenizer/json`` wrote.
  ///
  /// - Parameter source: the file's path, for errors.
  /// - Throws: `FileError` where it is none.
  package static func read(
    _ json: JSONValue, source: String
  ) throws(FileError) -> any DescribedTokenizer {
    switch json["kind"]?.stringValue {
    case ByteTokenizer.kind: return ByteTokenizer()
    case CharacterTokenizer.kind:
      if let text = json["characters"]?.stringValue,
        let tokenizer = try? CharacterTokenizer(scalars: Array(text.unicodeScalars))
      {
        return tokenizer
      }
    default: break
    }
    throw FileError(path: source, kind: .corrupt, reason: "is no description of a tokenizer")
  }
}

extension TextTokenizers {
  /// The text of a file, as UTF-8. A byte-order mark stays: it is part of the text.
  ///
  /// - Throws: `FileError` that names the first byte that is no UTF-8.
  package static func text(
    ofFile path: String, limit: Int = 4 << 30
  ) throws(FileError) -> String {
    let bytes = try FileInput.contents(of: path, limit: limit)
    guard let text = String(validating: bytes, as: UTF8.self) else {
      throw FileError(
        path: path, kind: .corrupt,
        reason:
          "byte \(bytes.firstInvalidUTF8 ?? 0) is no UTF-8: convert the file, with iconv say, or "
          + "take bytes for tokens")
    }
    return text
  }
}

extension [UInt8] {
  /// The offset of the first byte that begins no character of UTF-8; nil where all do.
  ///
  /// Source: The Unicode Standard, table 3-7.
  var firstInvalidUTF8: Int? {
    var offset = 0
    while offset < count {
      guard let (length, second) = Self.form(of: self[offset]) else { return offset }
      if length > 1 {
        guard offset + length <= count, second.contains(self[offset + 1]),
          self[(offset + 2)..<(offset + length)].allSatisfy({ (0x80...0xBF).contains($0) })
        else { return offset }
      }
      offset += length
    }
    return nil
  }

  /// How many bytes a character has that begins with a byte, and what the second one may be; nil where
  /// none begins so.
  private static func form(of byte: UInt8) -> (length: Int, second: ClosedRange<UInt8>)? {
    switch byte {
    case 0x00...0x7F: (1, 0...0)
    case 0xC2...0xDF: (2, 0x80...0xBF)
    case 0xE0: (3, 0xA0...0xBF)
    case 0xED: (3, 0x80...0x9F)
    case 0xE1...0xEF: (3, 0x80...0xBF)
    case 0xF0: (4, 0x90...0xBF)
    case 0xF1...0xF3: (4, 0x80...0xBF)
    case 0xF4: (4, 0x80...0x8F)
    default: nil
    }
  }
}
