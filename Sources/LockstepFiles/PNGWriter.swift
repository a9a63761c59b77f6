internal import CZlib

/// Writes small pictures as PNG files (ISO/IEC 15948): eight bits a channel, no filter, compressed by zlib.
package enum PNGWriter {
  /// The channels of a picture.
  package enum Color: UInt8, Sendable {
    /// One channel: black to white.
    case grey = 0
    /// Three channels: red, green, blue.
    case rgb = 2

    /// The bytes of a pixel.
    package var channels: Int { self == .grey ? 1 : 3 }
  }

  /// The bytes of a PNG file.
  ///
  /// - Parameters:
  ///   - pixels: row after row, `width · height · channels` bytes.
  package static func bytes(
    _ pixels: [UInt8], width: Int, height: Int, color: Color
  ) -> [UInt8] {
    precondition(width > 0 && height > 0 && pixels.count == width * height * color.channels)
    let row = width * color.channels
    var lines: [UInt8] = []
    lines.reserveCapacity(pixels.count + height)
    for start in stride(from: 0, to: pixels.count, by: row) {
      lines.append(0)  // no filter
      lines += pixels[start..<start + row]
    }
    var file: [UInt8] = [0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a]
    append(
      "IHDR", bigEndian(width) + bigEndian(height) + [8, color.rawValue, 0, 0, 0], to: &file)
    append("IDAT", compressed(lines), to: &file)
    append("IEND", [], to: &file)
    return file
  }

  private static func append(_ kind: String, _ content: [UInt8], to file: inout [UInt8]) {
    let checked = Array(kind.utf8) + content
    file += bigEndian(content.count) + checked
    let check = checked.withUnsafeBufferPointer { crc32(0, $0.baseAddress, uInt($0.count)) }
    file += bigEndian(Int(check))
  }

  private static func bigEndian(_ value: Int) -> [UInt8] {
    withUnsafeBytes(of: UInt32(truncatingIfNeeded: value).bigEndian) { Array($0) }
  }

  private static func compressed(_ bytes: [UInt8]) -> [UInt8] {
    var count = compressBound(uLong(bytes.count))
    var result = [UInt8](repeating: 0, count: Int(count))
    let code = compress2(&result, &count, bytes, uLong(bytes.count), Z_BEST_COMPRESSION)
    precondition(code == Z_OK, "zlib: compress2 returned \(code) for a buffer of the bound's size")
    return Array(result[..<Int(count)])
  }
}

/// Bytes as text: base64 (RFC 4648).
package enum Base64 {
  private static let digits = Array(
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/".utf8)

  /// The text of bytes, padded.
  package static func text(_ bytes: [UInt8]) -> String {
    var text: [UInt8] = []
    text.reserveCapacity((bytes.count + 2) / 3 * 4)
    for start in stride(from: 0, to: bytes.count, by: 3) {
      let part = bytes[start..<min(start + 3, bytes.count)]
      let group = (0..<3).reduce(UInt32(0)) { group, place in
        group << 8 | (place < part.count ? UInt32(part[start + place]) : 0)
      }
      for place in 0..<4 {
        text.append(
          place <= part.count
            ? digits[Int(group >> (18 - 6 * UInt32(place)) & 63)] : UInt8(ascii: "="))
      }
    }
    return String(decoding: text, as: UTF8.self)
  }
}
