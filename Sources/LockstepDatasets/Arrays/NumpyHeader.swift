import LockstepFiles

/// What the first bytes of a NumPy file (`.npy`) say of the others: a magic text, a version, the length
/// of a dictionary, and the dictionary.
///
/// Source: https://numpy.org/doc/stable/reference/generated/numpy.lib.format.html
struct NumpyHeader {
  /// NumPy's name of the type, `<f4`.
  let type: String
  let format: ArrayFormat
  let shape: [Int]
  /// The shape as NumPy writes it, `(2, 3)`.
  let shapeText: String
  /// Whether the first axis runs fastest.
  let isFortran: Bool
  /// Where the values begin.
  let start: Int

  private static let magic = [0x93] + Array("NUMPY".utf8)

  /// Whether a file begins as NumPy's do.
  static func isNumpy(_ start: [UInt8]) -> Bool { start.starts(with: magic) }

  /// Reads the header of a file, or of an array within a file.
  ///
  /// - Parameters:
  ///   - range: the array's bytes; the whole file if nil.
  ///   - name: the array's name, for errors; the file's path if nil.
  init(_ file: FileInput, in range: Range<Int>? = nil, name: String? = nil) throws(FileError) {
    let range = range ?? 0..<file.size
    try self.init(path: name ?? file.path, size: range.count) { part throws(FileError) in
      try file.bytes(range.lowerBound + part.lowerBound..<range.lowerBound + part.upperBound)
    }
  }

  /// - Parameters:
  ///   - size: how many bytes there are.
  ///   - bytes: gives some of them.
  init(
    path: String, size: Int, bytes: (Range<Int>) throws(FileError) -> [UInt8]
  ) throws(FileError) {
    func refuse(_ kind: FileError.Kind, _ reason: String) -> FileError {
      FileError(path: path, kind: kind, reason: reason)
    }
    let first = try bytes(0..<min(12, size))
    guard Self.isNumpy(first) else {
      throw refuse(.corrupt, "is no NumPy file: expected the bytes 93 NUMPY at its start")
    }
    guard first.count == 12, (1...3).contains(first[6]) else {
      throw refuse(.corrupt, "has a damaged NumPy header")
    }
    func number(_ places: Range<Int>) -> Int {
      places.reversed().reduce(0) { $0 << 8 | Int(first[$1]) }
    }
    let (begin, length) = first[6] == 1 ? (10, number(8..<10)) : (12, number(8..<12))
    guard length < 1 << 20, begin + length <= size else {
      throw refuse(.truncated, "truncated: ends within its NumPy header")
    }
    let text = String(decoding: try bytes(begin..<begin + length), as: UTF8.self)
    guard let descr = Self.value(of: "descr", in: text),
      let shape = Self.value(of: "shape", in: text)
    else { throw refuse(.corrupt, "has a damaged NumPy header") }
    guard descr.first == "'" || descr.first == "\"", let quote = descr.first,
      let type = descr.split(separator: quote).first
    else {
      throw refuse(
        .mismatch, "holds records of several fields; give an array of one number type")
    }
    guard let format = Self.format(type) else {
      throw refuse(
        .mismatch,
        "holds values of NumPy's type '\(type)', which are no numbers that a model takes: bool, integers of "
          + "8 to 64 bits, and floats of 16, 32 or 64 bits; convert it with .astype(\"float32\")")
    }
    let sizes = shape.dropFirst().prefix { $0 != ")" }.split(separator: ",")
      .map { $0.filter { $0 != " " } }.filter { !$0.isEmpty }.map { Int($0) }
    var product = format.element.size
    for size in sizes {
      let (next, overflow) = product.multipliedReportingOverflow(by: size ?? -1)
      guard let size, size >= 0, !overflow else {
        throw refuse(.corrupt, "has a damaged NumPy header: its shape is \(shape)")
      }
      product = next
    }
    self.type = String(type)
    self.format = format
    self.shape = sizes.compactMap { $0 }
    shapeText = String(shape)
    isFortran = Self.value(of: "fortran_order", in: text)?.hasPrefix("True") ?? false
    start = begin + length
  }

  /// The stored numbers of a type's name; nil for one that holds none.
  private static func format(_ name: some StringProtocol) -> ArrayFormat? {
    let elements: [String: ArrayElement] = [
      "b1": .bool, "u1": .uint8, "i1": .int8, "u2": .uint16, "i2": .int16, "u4": .uint32,
      "i4": .int32, "u8": .uint64, "i8": .int64, "f2": .float16, "f4": .float32, "f8": .float64,
    ]
    guard let order = name.first, "<>|=".contains(order),
      let element = elements[String(name.dropFirst())]
    else { return nil }
    return ArrayFormat(element, isBigEndian: order == ">")
  }

  /// What stands behind a key of the dictionary, up to the next key.
  private static func value(of key: String, in text: String) -> Substring? {
    guard let place = text.firstRange(ofKey: key) else { return nil }
    let rest = text[place...].drop { $0 == ":" || $0 == " " }
    if rest.first == "(" {
      return rest.firstIndex(of: ")").map { rest[...$0] }
    }
    return rest.prefix { $0 != "," && $0 != "}" }
  }
}

extension String {
  /// Where a quoted key of a Python dictionary ends.
  fileprivate func firstRange(ofKey key: String) -> String.Index? {
    var start = startIndex
    while start < endIndex {
      for quoted in ["'\(key)'", "\"\(key)\""] where self[start...].hasPrefix(quoted) {
        return index(start, offsetBy: quoted.count)
      }
      start = index(after: start)
    }
    return nil
  }
}
