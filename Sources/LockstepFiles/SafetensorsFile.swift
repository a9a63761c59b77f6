/// A tensor in a safetensors file.
package struct TensorEntry: Sendable, Equatable {
  /// The name, `encoder.0.weight`.
  package let name: String
  /// The element type as the file names it, `F32`.
  package let type: String
  /// The dimensions; none for a scalar.
  package let shape: [Int]
  /// Where the tensor's bytes lie behind the header.
  package let range: Range<Int>

  /// The element type; nil for one that this program does not know, whose tensors lie where the file
  /// says and cannot be read as numbers.
  package var element: TensorElement? { TensorElement(rawValue: type) }

  /// The number of elements, the product of ``shape``.
  package var count: Int { shape.reduce(1, *) }

  /// The same bytes as a tensor with its dimensions in reverse order.
  package var transposed: TensorEntry {
    TensorEntry(name: name, type: type, shape: shape.reversed(), range: range)
  }
}

/// A safetensors file, open for reading.
///
/// The format: 8 bytes with the header's length (little-endian), a JSON header with `dtype`,
/// `shape` and `data_offsets` of each tensor and texts under `__metadata__`, then the tensors' bytes.
/// Opening reads and checks the header alone, as strictly as the reference implementation: its
/// length is at most 100 MB and inside of the file, keys are unique, sizes are products of shapes
/// without overflow, and tensors cover the rest of the file with no hole, overlap or trailing byte.
/// Reading a tensor goes straight from the file to the caller's buffer. Tensors of types that are not
/// known (`F4`, `C64`, those of later versions) are taken by their offsets.
///
/// Source: https://github.com/huggingface/safetensors
package final class SafetensorsFile: Sendable {
  /// The longest header accepted, the reference implementation's limit.
  package static let headerLimit = 100_000_000

  /// The file's path.
  package var path: String { file.path }
  /// The tensors, in the order of their bytes.
  package let tensors: [TensorEntry]
  /// The texts under `__metadata__`.
  package let metadata: [String: String]

  private let file: FileInput
  private let indices: [String: Int]
  private let dataStart: Int

  /// Opens a file and checks its header.
  ///
  /// - Throws: `FileError` that names the file and, where one is to blame, the tensor.
  package init(_ path: String) throws(FileError) {
    let file = try FileInput(path)
    guard file.size >= 8 else {
      throw FileError(
        path: path, kind: .truncated,
        reason: "truncated: expected a safetensors file, found \(file.size) bytes")
    }
    var word: UInt64 = 0
    var failure: FileError?
    withUnsafeMutableBytes(of: &word) { buffer in
      do throws(FileError) { try file.read(into: buffer, at: 0) } catch { failure = error }
    }
    if let failure { throw failure }
    let length = UInt64(littleEndian: word)
    guard length <= UInt64(Self.headerLimit) else {
      throw FileError(
        path: path, kind: .corrupt,
        reason: "is not a safetensors file, or corrupt: its header would be \(length) bytes long, "
          + "more than the limit of \(Self.headerLimit)")
    }
    guard Int(length) <= file.size - 8 else {
      throw FileError(
        path: path, kind: .truncated,
        reason: "truncated: expected a header of \(length) bytes, found \(file.size - 8)")
    }
    var header = [UInt8](repeating: 0, count: Int(length))
    header.withUnsafeMutableBytes { buffer in
      do throws(FileError) { try file.read(into: buffer, at: 8) } catch { failure = error }
    }
    if let failure { throw failure }

    let parsed = try SafetensorsHeader(header, dataSize: file.size - 8 - header.count, path: path)
    self.file = file
    tensors = parsed.tensors
    metadata = parsed.metadata
    indices = Dictionary(
      uniqueKeysWithValues: parsed.tensors.enumerated().map { ($1.name, $0) })
    dataStart = 8 + header.count
  }

  /// The tensor with a name, or nil.
  package func tensor(_ name: String) -> TensorEntry? { indices[name].map { tensors[$0] } }

  /// Where the bytes of a tensor lie.
  package func stored(_ name: String) throws(FileError) -> (file: FileInput, range: Range<Int>) {
    let range = try existing(name).range
    return (file, dataStart + range.lowerBound..<dataStart + range.upperBound)
  }

  /// Whether two tensors have the same type, shape and bytes; false where one is not there.
  package func haveSameBytes(_ first: String, _ second: String) throws(FileError) -> Bool {
    guard let a = tensor(first), let b = tensor(second), a.type == b.type, a.shape == b.shape else {
      return false
    }
    let chunk = min(1 << 16, max(a.range.count, 1))
    let bytes = UnsafeMutableRawBufferPointer.allocate(byteCount: 2 * chunk, alignment: 16)
    defer { bytes.deallocate() }
    for start in stride(from: 0, to: a.range.count, by: chunk) {
      let count = min(chunk, a.range.count - start)
      let (one, other) = (bytes[..<count], bytes[chunk..<chunk + count])
      try file.read(
        into: UnsafeMutableRawBufferPointer(rebasing: one),
        at: dataStart + a.range.lowerBound + start)
      try file.read(
        into: UnsafeMutableRawBufferPointer(rebasing: other),
        at: dataStart + b.range.lowerBound + start)
      guard one.elementsEqual(other) else { return false }
    }
    return true
  }

  /// Fills `bytes` with a tensor's bytes as they lie in the file (little-endian).
  package func read(
    _ name: String, into bytes: UnsafeMutableRawBufferPointer
  ) throws(FileError) {
    let tensor = try existing(name)
    guard bytes.count == tensor.range.count else {
      throw mismatch(name, "has \(tensor.range.count) bytes; expected \(bytes.count)")
    }
    try file.read(into: bytes, at: dataStart + tensor.range.lowerBound)
  }

  /// Fills `values` with a tensor of F32, F64 (rounded), F16 or BF16 elements.
  package func read(
    _ name: String, into values: UnsafeMutableBufferPointer<Float>
  ) throws(FileError) {
    let tensor = try existing(name)
    guard values.count == tensor.count else {
      throw mismatch(
        name, "has shape \(tensor.shape), \(tensor.count) values; expected \(values.count) values")
    }
    if tensor.element == .float32 {
      return try read(name, into: UnsafeMutableRawBufferPointer(values))
    }
    try readFloats(tensor) { start, part throws(FileError) in
      _ = values[start..<start + part.count].update(fromContentsOf: part)
    }
  }

  /// The first value of a tensor of F32, F64, F16 or BF16 elements that is not finite in Float32; nil
  /// where all are.
  package func firstNotFinite(_ name: String) throws(FileError) -> (index: Int, value: Float)? {
    var found: (index: Int, value: Float)?
    try readFloats(try existing(name)) { start, part throws(FileError) in
      guard found == nil, let index = part.firstIndex(where: { !$0.isFinite }) else { return }
      found = (start + index, part[index])
    }
    return found
  }

  /// Reads a tensor's values in parts, so that no second tensor is in memory.
  private func readFloats(
    _ tensor: TensorEntry,
    _ body: (_ start: Int, _ part: UnsafeMutableBufferPointer<Float>) throws(FileError) -> Void
  ) throws(FileError) {
    guard let element = tensor.element, element.isFloatingPoint else {
      throw mismatch(tensor.name, "has elements of type \(tensor.type); expected F32")
    }
    let chunk = min(1 << 16, max(tensor.count, 1))
    let buffer = UnsafeMutableRawBufferPointer.allocate(
      byteCount: chunk * element.size, alignment: 16)
    defer { buffer.deallocate() }
    let values = UnsafeMutableBufferPointer<Float>.allocate(capacity: chunk)
    defer { values.deallocate() }
    for start in stride(from: 0, to: tensor.count, by: chunk) {
      let count = min(chunk, tensor.count - start)
      let bytes = UnsafeMutableRawBufferPointer(rebasing: buffer[..<(count * element.size)])
      let part = UnsafeMutableBufferPointer(rebasing: values[..<count])
      try file.read(into: bytes, at: dataStart + tensor.range.lowerBound + start * element.size)
      TensorConversion.floats(UnsafeRawBufferPointer(bytes), element, into: part)
      try body(start, part)
    }
  }

  /// Fills `values` with a tensor of F64 elements.
  package func read(
    _ name: String, into values: UnsafeMutableBufferPointer<Double>
  ) throws(FileError) {
    try readWords(name, .float64, UnsafeMutableRawBufferPointer(values))
  }

  /// Fills `values` with a tensor of I64 elements.
  package func read(
    _ name: String, into values: UnsafeMutableBufferPointer<Int64>
  ) throws(FileError) {
    try readWords(name, .int64, UnsafeMutableRawBufferPointer(values))
  }

  /// Reads elements of 8 bytes of one type.
  private func readWords(
    _ name: String, _ element: TensorElement, _ bytes: UnsafeMutableRawBufferPointer
  ) throws(FileError) {
    let tensor = try existing(name)
    guard tensor.element == element else {
      throw mismatch(
        name, "has elements of type \(tensor.type); expected \(element.rawValue)")
    }
    try read(name, into: bytes)
  }

  private func existing(_ name: String) throws(FileError) -> TensorEntry {
    guard let tensor = tensor(name) else {
      let nearest = NearestName.find(name, among: tensors.map(\.name))
      throw FileError(
        path: path, kind: .mismatch,
        reason: "has no tensor \(name.quoted)"
          + (nearest.map { "; did you mean \($0.quoted)?" } ?? ""))
    }
    return tensor
  }

  private func mismatch(_ name: String, _ reason: String) -> FileError {
    FileError(path: path, kind: .mismatch, reason: "tensor \(name.quoted) \(reason)")
  }
}

/// The checked content of a safetensors header.
struct SafetensorsHeader {
  let tensors: [TensorEntry]
  let metadata: [String: String]

  /// Parses a header in front of `dataSize` bytes of tensors.
  init(_ bytes: [UInt8], dataSize: Int, path: String) throws(FileError) {
    func corrupt(_ reason: String) -> FileError {
      FileError(path: path, kind: .corrupt, reason: reason)
    }
    guard bytes.first == UInt8(ascii: "{") else {
      throw corrupt("is not a safetensors file, or corrupt: its header does not begin with '{'")
    }
    let value: JSONValue
    do throws(JSONSyntaxError) {
      value = try JSONValue.parse(bytes)
    } catch {
      throw corrupt(
        "corrupt safetensors header: line \(error.line), column \(error.column): \(error.reason)")
    }
    guard case .object(let object) = value else {
      throw corrupt("corrupt safetensors header: expected an object, found \(value.kind)")
    }

    var tensors: [TensorEntry] = []
    var metadata: [String: String] = [:]
    for (name, value) in object.members {
      if name == "__metadata__" {
        guard case .object(let texts) = value else {
          throw corrupt("'__metadata__' must be an object, found \(value.kind)")
        }
        for (key, value) in texts.members {
          guard case .string(let text) = value else {
            throw corrupt("'__metadata__' must hold strings; \(key.quoted) is \(value.kind)")
          }
          metadata[key] = text
        }
      } else {
        do throws(Fault) {
          tensors.append(try Self.tensor(name, value))
        } catch {
          throw corrupt("tensor \(name.quoted) \(error.reason)")
        }
      }
    }

    tensors = tensors.enumerated().sorted { left, right in
      // Empty tensors share their offset with a neighbour: the end decides, then the header's order.
      (left.element.range.lowerBound, left.element.range.upperBound, left.offset)
        < (right.element.range.lowerBound, right.element.range.upperBound, right.offset)
    }.map(\.element)
    try Self.check(tensors, fill: dataSize, path)
    self.tensors = tensors
    self.metadata = metadata
  }

  /// Throws unless tensors, in the order of their offsets, lie one behind the other and fill the data.
  private static func check(
    _ tensors: [TensorEntry], fill dataSize: Int, _ path: String
  ) throws(FileError) {
    func corrupt(_ reason: String) -> FileError {
      FileError(path: path, kind: .corrupt, reason: reason)
    }
    var end = 0
    for tensor in tensors {
      guard tensor.range.lowerBound == end else {
        throw corrupt(
          "tensor \(tensor.name.quoted) begins at offset \(tensor.range.lowerBound); expected \(end): "
            + "there is \(tensor.range.lowerBound > end ? "a hole" : "an overlap")")
      }
      end = tensor.range.upperBound
    }
    guard end <= dataSize else {
      let last = tensors.first { $0.range.upperBound > dataSize }!
      throw FileError(
        path: path, kind: .truncated,
        reason:
          "truncated: tensor \(last.name.quoted) ends at offset \(last.range.upperBound), the data "
          + "at \(dataSize)")
    }
    guard end == dataSize else {
      throw corrupt("\(dataSize - end) bytes follow the last tensor")
    }
  }

  /// What is wrong with one tensor.
  private struct Fault: Error {
    let reason: String
  }

  private static func tensor(_ name: String, _ value: JSONValue) throws(Fault) -> TensorEntry {
    guard case .object(let object) = value else {
      throw Fault(reason: "must be an object, found \(value.kind)")
    }
    for key in object.keys where !["dtype", "shape", "data_offsets"].contains(key) {
      throw Fault(reason: "has an unknown key \(key.quoted)")
    }
    guard case .string(let type)? = object["dtype"] else {
      throw Fault(reason: "has no 'dtype'")
    }
    guard let shape = sizes(object["shape"]) else {
      throw Fault(reason: "has no valid 'shape'")
    }
    guard let offsets = sizes(object["data_offsets"]), offsets.count == 2,
      offsets[0] <= offsets[1]
    else {
      throw Fault(reason: "has no valid 'data_offsets'")
    }
    // Of a type that is not known the offsets alone say how long it is.
    let element = TensorElement(rawValue: type)
    var size = element?.size ?? 1
    for dimension in shape {
      let (product, overflow) = size.multipliedReportingOverflow(by: dimension)
      guard !overflow else { throw Fault(reason: "is too large: its shape is \(shape)") }
      size = product
    }
    guard element == nil || offsets[1] - offsets[0] == size else {
      throw Fault(
        reason:
          "has \(offsets[1] - offsets[0]) bytes by its offsets; expected \(size) by its shape "
          + "\(shape) of \(type)")
    }
    return TensorEntry(name: name, type: type, shape: shape, range: offsets[0]..<offsets[1])
  }

  /// An array of integers that are not negative.
  private static func sizes(_ value: JSONValue?) -> [Int]? {
    guard case .array(let elements)? = value else { return nil }
    var sizes: [Int] = []
    for element in elements {
      guard case .integer(let size) = element, size >= 0 else { return nil }
      sizes.append(size)
    }
    return sizes
  }
}
