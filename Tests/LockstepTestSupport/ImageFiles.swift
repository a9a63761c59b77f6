internal import CZlib
import LockstepFiles

/// A PNG file of 8 bits a value, pixels not compressed.
///
/// - Parameters:
///   - pixels: rows from the top, pixels with their channels side by side.
///   - channels: 1 or 3.
public func pngFile(_ pixels: [UInt8], width: Int, height: Int, channels: Int) -> [UInt8] {
  func big(_ value: UInt32) -> [UInt8] {
    [24, 16, 8, 0].map { UInt8(truncatingIfNeeded: value >> $0) }
  }
  func chunk(_ kind: String, _ data: [UInt8]) -> [UInt8] {
    let body = Array(kind.utf8) + data
    return big(UInt32(data.count)) + body
      + big(UInt32(crc32(0, body, UInt32(body.count))))
  }
  let row = width * channels
  let raw = (0..<height).flatMap { [0] + pixels[$0 * row..<($0 + 1) * row] }
  // zlib's format: a header, stored blocks, the sum of the content.
  var packed: [UInt8] = [0x78, 0x01]
  for start in stride(from: 0, to: raw.count, by: 65535) {
    let part = raw[start..<min(start + 65535, raw.count)]
    let (low, high) = (UInt8(part.count & 255), UInt8(part.count >> 8))
    packed += [part.endIndex == raw.count ? 1 : 0, low, high, ~low, ~high] + part
  }
  packed += big(UInt32(adler32(1, raw, UInt32(raw.count))))
  let header =
    big(UInt32(width)) + big(UInt32(height)) + [8, channels == 1 ? 0 : 2, 0, 0, 0]
  return [0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a] + chunk("IHDR", header)
    + chunk("IDAT", packed) + chunk("IEND", [])
}

/// A NumPy file.
///
/// - Parameter type: NumPy's name, `<f4`.
public func numpyFile(
  _ type: String, _ shape: [Int], _ data: [UInt8], isFortran: Bool = false
) -> [UInt8] {
  let sizes = shape.map { "\($0)" }.joined(separator: ", ") + (shape.count == 1 ? "," : "")
  var header =
    "{'descr': '\(type)', 'fortran_order': \(isFortran ? "True" : "False"), 'shape': (\(sizes)), }"
  header += String(repeating: " ", count: 63 - (10 + header.utf8.count) % 64) + "\n"
  let length = header.utf8.count
  return [0x93] + Array("NUMPY".utf8) + [1, 0, UInt8(length & 255), UInt8(length >> 8)]
    + Array(header.utf8) + data
}

/// The little-endian bytes of numbers.
public func littleEndian<Word: FixedWidthInteger>(_ words: [Word]) -> [UInt8] {
  words.flatMap { word in withUnsafeBytes(of: word.littleEndian) { Array($0) } }
}
