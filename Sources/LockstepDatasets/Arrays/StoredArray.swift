import LockstepFiles

/// An array of numbers: in memory, or in a file that is read where it is asked for.
///
/// Files are read, never mapped: a mapping of a file that somebody truncates ends the process. What is
/// read often stays in the system's page cache.
package struct StoredArray: RawExamples {
  /// Arrays of at most so many bytes are kept in memory, unless the configuration says otherwise.
  package static let memoryLimit = 1 << 28

  private enum Storage: Sendable {
    case memory([UInt8])
    case file(FileInput)
    /// Arrays one behind the other, and where each ends.
    case parts([StoredArray], ends: [Int])
  }

  package let name: String
  package let format: ArrayFormat
  /// All dimensions, the number of examples first; at least one.
  package let fullShape: [Int]
  package let ids: [String]?
  package let outline: Fingerprint?
  private let storage: Storage
  /// Where the first example lies.
  private let start: Int
  /// How far examples lie apart.
  private let stride: Int

  /// An array in memory, its first byte at `start`.
  init(
    name: String, format: ArrayFormat, shape: [Int], bytes: [UInt8], start: Int = 0,
    stride: Int? = nil, ids: [String]? = nil, outline: Fingerprint? = nil
  ) {
    self.name = name
    self.format = format
    fullShape = shape
    storage = .memory(bytes)
    self.start = start
    self.stride = stride ?? shape.dropFirst().reduce(format.element.size, &*)
    self.ids = ids
    self.outline = outline
  }

  /// An array in a file, whose length was checked.
  init(
    _ file: FileInput, name: String? = nil, format: ArrayFormat, shape: [Int], start: Int,
    stride: Int? = nil
  ) {
    self.name = name ?? file.path
    self.format = format
    fullShape = shape
    storage = .file(file)
    self.start = start
    self.stride = stride ?? shape.dropFirst().reduce(format.element.size, &*)
    ids = nil
    outline = Fingerprint(of: [file.size])
  }

  /// Arrays of one shape and format, one behind the other.
  ///
  /// - Parameter parts: one at least.
  init(joining parts: [StoredArray]) {
    var end = 0
    let ends = parts.map { part in
      end += part.count
      return end
    }
    name = parts[0].name
    format = parts[0].format
    fullShape = [end] + parts[0].fullShape.dropFirst()
    storage = .parts(parts, ends: ends)
    start = 0
    stride = 0
    ids = nil
    outline = .tree(parts.map { ("", $0.outline ?? Fingerprint(of: [$0.count])) })
  }

  package var count: Int { fullShape[0] }
  package var shape: [Int] { fullShape.count == 1 ? [1] : Array(fullShape[1...]) }

  /// Whether the values, or some of them, are in memory.
  var isInMemory: Bool {
    switch storage {
    case .memory: true
    case .file: false
    case .parts(let parts, _): parts.contains(where: \.isInMemory)
    }
  }

  package func read(
    _ example: Int, into bytes: UnsafeMutableRawBufferPointer
  ) throws(FileError) {
    let from = start + example * stride
    switch storage {
    case .memory(let all):
      all.withUnsafeBytes {
        bytes.copyMemory(from: UnsafeRawBufferPointer(rebasing: $0[from..<from + bytes.count]))
      }
    case .file(let file): try file.read(into: bytes, at: from)
    case .parts(let parts, let ends):
      let part = ends.firstIndex { $0 > example } ?? 0
      try parts[part].read(example - (part == 0 ? 0 : ends[part - 1]), into: bytes)
    }
  }

  package func read(
    _ examples: Range<Int>, into bytes: UnsafeMutableRawBufferPointer
  ) throws(FileError) {
    let size = exampleSize
    guard stride == size, !examples.isEmpty else {
      for (place, example) in examples.enumerated() {
        try read(
          example,
          into: UnsafeMutableRawBufferPointer(rebasing: bytes[place * size..<(place + 1) * size]))
      }
      return
    }
    // Neighbours lie one behind the other, as a longer example does.
    try read(
      examples.lowerBound,
      into: UnsafeMutableRawBufferPointer(rebasing: bytes[..<(examples.count * size)]))
  }

  /// The same values in another shape, with the number of examples first.
  func shaped(_ shape: [Int]) -> StoredArray {
    StoredArray(self, shape: shape)
  }

  private init(_ other: StoredArray, shape: [Int]) {
    name = other.name
    format = other.format
    fullShape = shape
    storage = other.storage
    start = other.start
    stride = other.stride
    ids = other.ids
    outline = other.outline
  }

  /// All values as numbers.
  ///
  /// - Throws: `FileError` that names the first one that is not finite or beyond Float32's range.
  package func numbers() throws(FileError) -> [Double] {
    let width = valueCount
    guard width > 0 else { return [] }
    var numbers = [Double](repeating: 0, count: count * width)
    var failure: FileError?
    numbers.withUnsafeMutableBufferPointer { numbers in
      do throws(FileError) {
        try forEach(0..<count) { example, bytes throws(FileError) in
          let row = UnsafeMutableBufferPointer(
            rebasing: numbers[example * width..<(example + 1) * width])
          format.decode(bytes, into: row)
          guard !format.element.isInteger,
            let place = row.firstIndex(where: { !Float($0).isFinite })
          else { return }
          throw notFinite(example, place, row[place])
        }
      } catch { failure = error }
    }
    if let failure { throw failure }
    return numbers
  }
}

extension StoredArray {
  /// The bytes of some examples, or of all.
  ///
  /// - Throws: `FileError` where a file cannot be read.
  package func gathered(_ examples: [Int]?) throws(FileError) -> [UInt8] {
    if examples == nil, case .memory(let bytes) = storage, start == 0, stride == exampleSize,
      bytes.count == count * stride
    {
      return bytes
    }
    var result: [UInt8] = []
    result.reserveCapacity((examples?.count ?? count) * exampleSize)
    try forEach(examples ?? Array(0..<count)) { _, bytes in result.append(contentsOf: bytes) }
    return result
  }
}

extension RawExamples {
  /// The same examples, all read to memory.
  func inMemory() throws(FileError) -> StoredArray {
    let (size, count) = (exampleSize, count)
    var failure: FileError?
    let bytes = [UInt8](unsafeUninitializedCapacity: size * count) { buffer, filled in
      let all = UnsafeMutableRawBufferPointer(start: buffer.baseAddress, count: size * count)
      let step = max((1 << 24) / max(size, 1), 1)
      do throws(FileError) {
        for first in stride(from: 0, to: count, by: step) {
          try ReadingStop.check(name)
          let run = first..<min(first + step, count)
          try read(
            run,
            into: UnsafeMutableRawBufferPointer(
              rebasing: all[run.lowerBound * size..<run.upperBound * size]))
        }
        filled = size * count
      } catch { failure = error }
    }
    if let failure { throw failure }
    return StoredArray(
      name: name, format: format, shape: [count] + shape, bytes: bytes, ids: ids, outline: outline)
  }
}
