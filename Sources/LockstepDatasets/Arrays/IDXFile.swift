import LockstepFiles

/// An array in the IDX format of MNIST, plain or in gzip.
///
/// The format: two zero bytes, a byte for the element type, a byte for the number of dimensions, the
/// dimensions as 32-bit integers and the elements in row-major order, all big-endian.
///
/// Source: http://yann.lecun.com/exdb/mnist
public struct IDXFile: Sendable {
  /// The element types.
  package enum Element: UInt8, Sendable, CaseIterable {
    /// Integers of 0...255: MNIST's pixels and labels.
    case uint8 = 0x08
    /// Integers of 8 bits, signed.
    case int8 = 0x09
    /// Integers of 16 bits, signed.
    case int16 = 0x0b
    /// Integers of 32 bits, signed.
    case int32 = 0x0c
    /// IEEE numbers of 32 bits.
    case float32 = 0x0d
    /// IEEE numbers of 64 bits.
    case float64 = 0x0e

    /// The type among those of all files of arrays.
    var arrayElement: ArrayElement {
      switch self {
      case .uint8: .uint8
      case .int8: .int8
      case .int16: .int16
      case .int32: .int32
      case .float32: .float32
      case .float64: .float64
      }
    }

    /// The size of one element in bytes.
    package var size: Int {
      switch self {
      case .uint8, .int8: 1
      case .int16: 2
      case .int32, .float32: 4
      case .float64: 8
      }
    }
  }

  /// The file's path.
  package let path: String
  /// The element type.
  package let element: Element
  /// The dimensions, at least one.
  public let shape: [Int]
  /// The elements' bytes, big-endian.
  package let bytes: ArraySlice<UInt8>

  /// The number of elements.
  package var count: Int { bytes.count / element.size }

  /// Reads a file of at most `limit` bytes, inflated.
  public static func read(
    _ path: String, limit: Int = 4 << 30
  ) throws(FileError) -> IDXFile {
    try parse(try FileInput.contents(of: path, limit: limit), path: path, limit: limit)
  }

  /// Parses the bytes of a file, plain or in gzip.
  package static func parse(
    _ bytes: [UInt8], path: String, limit: Int = 4 << 30
  ) throws(FileError) -> IDXFile {
    guard Gzip.isCompressed(bytes) else { return try IDXFile(bytes, path: path) }
    // The header says how much is to come: no more than that, and one byte, is inflated.
    let start = try Gzip.prefix(bytes, count: 4 + 4 * 255, path: path)
    let header = try Header(start, path: path)
    guard header.size <= limit else {
      throw FileError(
        path: path, kind: .tooLarge,
        reason: "would be \(header.size) bytes long, more than the limit of \(limit)")
    }
    let content: [UInt8]
    do throws(FileError) {
      content = try Gzip.inflate(bytes, path: path, limit: header.size)
    } catch {
      guard error.kind == .tooLarge else { throw error }
      throw FileError(
        path: path, kind: .corrupt,
        reason: "expected \(header.size) bytes for the shape \(header.shape), found more")
    }
    return try IDXFile(content, path: path)
  }

  /// Type and shape at the start of a file.
  struct Header {
    let element: Element
    let shape: [Int]
    /// The length that the file must have.
    let size: Int
    /// Where the elements begin.
    let start: Int

    init(_ bytes: [UInt8], path: String) throws(FileError) {
      guard bytes.count >= 4 else {
        throw FileError(
          path: path, kind: .truncated,
          reason: "truncated: expected an IDX file, found \(bytes.count) bytes")
      }
      func corrupt(_ reason: String) -> FileError {
        FileError(path: path, kind: .corrupt, reason: reason)
      }
      guard bytes[0] == 0, bytes[1] == 0, let element = Element(rawValue: bytes[2]), bytes[3] > 0
      else {
        let found = bytes[..<4].map { byte in
          (byte < 16 ? "0" : "") + String(byte, radix: 16)
        }.joined(separator: " ")
        throw corrupt(
          "is not an IDX file: expected the magic number 00 00, a type 08, 09, 0b, 0c, 0d or 0e and "
            + "the number of dimensions; found \(found)")
      }
      let start = 4 + 4 * Int(bytes[3])
      guard bytes.count >= start else {
        throw FileError(
          path: path, kind: .truncated,
          reason: "truncated: expected a header of \(start) bytes, found \(bytes.count)")
      }
      var shape: [Int] = []
      var size = element.size
      for dimension in 0..<Int(bytes[3]) {
        let extent = bytes[(4 + 4 * dimension)..<(8 + 4 * dimension)].reduce(0) {
          $0 << 8 | Int($1)
        }
        shape.append(extent)
        let (product, overflow) = size.multipliedReportingOverflow(by: extent)
        guard !overflow, product < Int.max - start else {
          throw corrupt("corrupt: its first dimensions \(shape) are too large")
        }
        size = product
      }
      self.element = element
      self.shape = shape
      self.size = size + start
      self.start = start
    }

    /// Throws where a file has not as many bytes as its shape needs.
    func check(size found: Int, path: String) throws(FileError) {
      guard found != size else { return }
      let isShort = found < size
      throw FileError(
        path: path, kind: isShort ? .truncated : .corrupt,
        reason:
          "\(isShort ? "truncated: " : "")expected \(size) bytes for the shape \(shape), found "
          + "\(found)")
    }
  }

  private init(_ content: [UInt8], path: String) throws(FileError) {
    let header = try Header(content, path: path)
    try header.check(size: content.count, path: path)
    self.path = path
    element = header.element
    shape = header.shape
    bytes = content[header.start...]
  }

  /// The elements as numbers.
  ///
  /// - Throws: `FileError` that names the first element that is not finite or beyond Float32's range,
  ///   by its example and its place in it, both counted from 1.
  public func numbers() throws(FileError) -> [Double] { try StoredArray(self).numbers() }

  /// The elements as integers; nil where they are floating-point numbers.
  public var integers: [Int32]? {
    guard element.arrayElement.isInteger else { return nil }
    return (try? numbers())?.map { Int32($0) }
  }
}

extension StoredArray {
  /// An IDX file that was read.
  package init(_ file: IDXFile) {
    self.init(
      name: file.path, format: ArrayFormat(file.element.arrayElement, isBigEndian: true),
      shape: file.shape, bytes: Array(file.bytes))
  }
}
