import LockstepPlatform

extension FileInput {
  /// A line of a text file.
  package struct Line {
    /// The bytes, without the line feed.
    package let bytes: UnsafeRawBufferPointer
    /// The number, from 1.
    package let number: Int
    /// Whether a line feed ends it; if not it is the last one, and its writer may have died in it.
    package let isWhole: Bool
  }

  /// Hands the lines that are not blank to `body`, in order; no more than one block and one line are in
  /// memory at once.
  ///
  /// - Throws: `FileError` of kind `.tooLarge` for a line of more than `lineLimit` bytes, and what
  ///   `body` throws.
  package func forEachLine(
    limit lineLimit: Int = 64 << 20, _ body: (Line) throws(FileError) -> Void
  ) throws(FileError) {
    var number = 0
    var rest: [UInt8] = []
    func hand(_ bytes: UnsafeRawBufferPointer, _ isWhole: Bool) throws(FileError) {
      number += 1
      if bytes.allSatisfy({ $0 == UInt8(ascii: " ") || $0 == UInt8(ascii: "\r") }) { return }
      try body(Line(bytes: bytes, number: number, isWhole: isWhole))
    }
    func hand(_ bytes: [UInt8], _ isWhole: Bool) throws(FileError) {
      var failure: FileError?
      bytes.withUnsafeBytes { bytes in
        do throws(FileError) { try hand(bytes, isWhole) } catch { failure = error }
      }
      if let failure { throw failure }
    }
    try forEachBlock { block, _ throws(FileError) in
      var start = 0
      while let end = block.lineFeed(from: start) {
        let bytes = UnsafeRawBufferPointer(rebasing: block[start..<end])
        if rest.isEmpty {
          try hand(bytes, true)
        } else {
          rest.append(contentsOf: bytes)
          try hand(rest, true)
          rest.removeAll(keepingCapacity: true)
        }
        start = end + 1
      }
      guard rest.count + block.count - start <= lineLimit else {
        throw FileError(
          path: path, kind: .tooLarge,
          reason: "line \(number + 1) is longer than \(lineLimit) bytes")
      }
      rest.append(contentsOf: block[start...])
    }
    if !rest.isEmpty { try hand(rest, false) }
  }
}

extension UnsafeRawBufferPointer {
  /// The place of the first line feed from `start` on.
  package func lineFeed(from start: Int) -> Int? {
    guard start < count, let base = baseAddress,
      let found = memchr(base + start, Int32(UInt8(ascii: "\n")), count - start)
    else { return nil }
    return UnsafeRawPointer(found) - base
  }
}
