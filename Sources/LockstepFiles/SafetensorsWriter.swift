/// A tensor to be written: what it is, and where its bytes are.
public struct TensorSource {
  /// The name, unique in the file.
  public let name: String
  /// The element type.
  public let element: TensorElement
  /// The dimensions.
  public let shape: [Int]
  /// The number of bytes; those of the shape where they come on demand.
  let byteCount: Int?
  /// The values, where they lie or on demand.
  let bytes: () throws -> UnsafeRawBufferPointer

  /// A tensor of any element type, its bytes little-endian. They must stay where they are until the
  /// file is written.
  public init(
    _ name: String, _ element: TensorElement, shape: [Int], bytes: UnsafeRawBufferPointer
  ) {
    self.name = name
    self.element = element
    self.shape = shape
    self.bytes = { bytes }
    byteCount = bytes.count
  }

  /// A tensor whose bytes are asked for when its turn in the file has come, once, and used before
  /// those of the next one are. Tensors of one element type have their turns in the order given.
  public init(
    _ name: String, _ element: TensorElement, shape: [Int],
    onDemand bytes: @escaping () throws -> UnsafeRawBufferPointer
  ) {
    self.name = name
    self.element = element
    self.shape = shape
    self.bytes = bytes
    byteCount = nil
  }

  /// A tensor of Float32 values.
  package init(_ name: String, shape: [Int], _ values: UnsafeBufferPointer<Float>) {
    self.init(name, .float32, shape: shape, bytes: UnsafeRawBufferPointer(values))
  }

  /// A tensor of Float64 values.
  package init(_ name: String, shape: [Int], _ values: UnsafeBufferPointer<Double>) {
    self.init(name, .float64, shape: shape, bytes: UnsafeRawBufferPointer(values))
  }

  /// A tensor of 64-bit integers.
  package init(_ name: String, shape: [Int], _ values: UnsafeBufferPointer<Int64>) {
    self.init(name, .int64, shape: shape, bytes: UnsafeRawBufferPointer(values))
  }
}

/// Writes safetensors files: atomically, straight from the caller's buffers, and the same bytes for
/// the same tensors.
///
/// Tensors lie in the order given, those of larger elements first, so that every element is aligned;
/// the header is padded with spaces to a multiple of 64 bytes. Metadata keys are sorted.
public enum SafetensorsWriter {
  /// Writes a file.
  ///
  /// - Throws: `FileError` where a name is empty, reserved or there twice, or a tensor's bytes do
  ///   not fit its shape; and what `AtomicFile.write` throws.
  public static func write(
    _ path: String, _ tensors: [TensorSource], metadata: [String: String] = [:],
    fileSystem: any FileSystem = SystemFileSystem()
  ) throws {
    let ordered = tensors.enumerated().sorted { left, right in
      (right.element.element.size, left.offset) < (left.element.element.size, right.offset)
    }.map(\.element)
    let header = try header(ordered, metadata, path)
    try AtomicFile.write(path, fileSystem: fileSystem) { output in
      try output.append(header)
      for tensor in ordered {
        let bytes = try tensor.bytes()
        if tensor.byteCount == nil {
          let expected = tensor.shape.reduce(tensor.element.size, *)
          guard bytes.count == expected else { throw mismatch(tensor, bytes.count, expected, path) }
        }
        if bytes.count > 0 { try output.append(bytes) }
      }
    }
  }

  private static func mismatch(
    _ tensor: TensorSource, _ found: Int, _ expected: Int, _ path: String
  ) -> FileError {
    FileError(
      path: path, kind: .mismatch,
      reason: "tensor \(tensor.name.quoted) has \(found) bytes; expected \(expected) by its shape "
        + "\(tensor.shape) of \(tensor.element.rawValue)")
  }

  /// The length word and the padded header.
  private static func header(
    _ tensors: [TensorSource], _ metadata: [String: String], _ path: String
  ) throws(FileError) -> [UInt8] {
    var header = JSONObject()
    if !metadata.isEmpty {
      var texts = JSONObject()
      for key in metadata.keys.sorted() { texts[key] = .string(metadata[key]!) }
      header["__metadata__"] = .object(texts)
    }
    var offset = 0
    for tensor in tensors {
      func refuse(_ reason: String) -> FileError {
        FileError(path: path, kind: .mismatch, reason: "tensor \(tensor.name.quoted) \(reason)")
      }
      guard !tensor.name.isEmpty, tensor.name != "__metadata__" else {
        throw refuse("has a name that the format reserves")
      }
      guard header[tensor.name] == nil else { throw refuse("is there twice") }
      var size = tensor.element.size
      for dimension in tensor.shape {
        let (product, overflow) = size.multipliedReportingOverflow(by: dimension)
        guard dimension >= 0, !overflow else { throw refuse("has the shape \(tensor.shape)") }
        size = product
      }
      guard size == tensor.byteCount ?? size else {
        throw mismatch(tensor, tensor.byteCount ?? 0, size, path)
      }
      header[tensor.name] = [
        "dtype": .string(tensor.element.rawValue),
        "shape": .array(tensor.shape.map { .integer($0) }),
        "data_offsets": [.integer(offset), .integer(offset + size)],
      ]
      offset += size
    }
    var text = Array(JSONValue.object(header).compactText.utf8)
    let padding = (64 - (8 + text.count) % 64) % 64
    text += [UInt8](repeating: UInt8(ascii: " "), count: padding)
    guard text.count <= SafetensorsFile.headerLimit else {
      throw FileError(
        path: path, kind: .tooLarge,
        reason: "needs a header of \(text.count) bytes, more than the "
          + "format's limit of \(SafetensorsFile.headerLimit)")
    }
    var bytes = withUnsafeBytes(of: UInt64(text.count).littleEndian) { Array($0) }
    bytes += text
    return bytes
  }
}
