/// The type of the numbers in a file of arrays.
package enum ArrayElement: String, Sendable, CaseIterable {
  /// A byte that is 0 or 1.
  case bool
  /// Integers of 0...255: pixels.
  case uint8
  /// Integers of 8 bits, signed.
  case int8
  /// Integers of 16 bits.
  case uint16
  /// Integers of 16 bits, signed.
  case int16
  /// Integers of 32 bits.
  case uint32
  /// Integers of 32 bits, signed.
  case int32
  /// Integers of 64 bits.
  case uint64
  /// Integers of 64 bits, signed.
  case int64
  /// IEEE numbers of 16 bits.
  case float16
  /// The upper 16 bits of IEEE numbers of 32.
  case bfloat16
  /// IEEE numbers of 32 bits.
  case float32
  /// IEEE numbers of 64 bits.
  case float64

  /// The name of the type, `uint8`.
  package var name: String { rawValue }

  /// The size of one element in bytes.
  package var size: Int {
    switch self {
    case .bool, .uint8, .int8: 1
    case .uint16, .int16, .float16, .bfloat16: 2
    case .uint32, .int32, .float32: 4
    case .uint64, .int64, .float64: 8
    }
  }

  /// The type of a name in safetensors files; nil for one that holds no numbers that a model takes.
  init?(safetensors name: String) {
    let elements: [String: ArrayElement] = [
      "BOOL": .bool, "U8": .uint8, "I8": .int8, "U16": .uint16, "I16": .int16, "U32": .uint32,
      "I32": .int32, "U64": .uint64, "I64": .int64, "F16": .float16, "BF16": .bfloat16,
      "F32": .float32, "F64": .float64,
    ]
    guard let element = elements[name] else { return nil }
    self = element
  }

  /// Whether the numbers are whole.
  package var isInteger: Bool {
    switch self {
    case .float16, .bfloat16, .float32, .float64: false
    default: true
    }
  }
}

/// How numbers are stored: their type, and the order of a number's bytes.
package struct ArrayFormat: Sendable, Equatable {
  /// The type.
  package let element: ArrayElement
  /// Whether a number's high byte comes first.
  package let isBigEndian: Bool

  package init(_ element: ArrayElement, isBigEndian: Bool = false) {
    self.element = element
    self.isBigEndian = isBigEndian
  }

  /// Writes the numbers that some bytes are, as many as `numbers` has room for.
  func decode(
    _ bytes: UnsafeRawBufferPointer, into numbers: UnsafeMutableBufferPointer<Double>
  ) {
    forEach(bytes, numbers.indices) { numbers[$0] = $1 }
  }

  /// Hands the numbers at some places to `body`, one after the other.
  @inline(__always)
  func forEach(
    _ bytes: UnsafeRawBufferPointer, _ places: Range<Int>, _ body: (_ place: Int, Double) -> Void
  ) {
    switch element {
    case .bool: words(bytes, UInt8.self, places) { body($0, $1 == 0 ? 0 : 1) }
    case .uint8: words(bytes, UInt8.self, places) { body($0, Double($1)) }
    case .int8: words(bytes, Int8.self, places) { body($0, Double($1)) }
    case .uint16: words(bytes, UInt16.self, places) { body($0, Double($1)) }
    case .int16: words(bytes, Int16.self, places) { body($0, Double($1)) }
    case .uint32: words(bytes, UInt32.self, places) { body($0, Double($1)) }
    case .int32: words(bytes, Int32.self, places) { body($0, Double($1)) }
    case .uint64: words(bytes, UInt64.self, places) { body($0, Double($1)) }
    case .int64: words(bytes, Int64.self, places) { body($0, Double($1)) }
    case .float16: words(bytes, UInt16.self, places) { body($0, Self.half($1)) }
    case .bfloat16:
      words(bytes, UInt16.self, places) { body($0, Double(Float(bitPattern: UInt32($1) << 16))) }
    case .float32: words(bytes, UInt32.self, places) { body($0, Double(Float(bitPattern: $1))) }
    case .float64: words(bytes, UInt64.self, places) { body($0, Double(bitPattern: $1)) }
    }
  }

  @inline(__always)
  private func words<Word: FixedWidthInteger & BitwiseCopyable>(
    _ bytes: UnsafeRawBufferPointer, _: Word.Type, _ places: Range<Int>,
    _ body: (_ place: Int, Word) -> Void
  ) {
    for place in places {
      let word = bytes.loadUnaligned(
        fromByteOffset: place * MemoryLayout<Word>.size, as: Word.self)
      body(place, isBigEndian ? Word(bigEndian: word) : Word(littleEndian: word))
    }
  }

  /// The number of 16 bits: a sign, 5 bits of exponent, 10 of fraction. (Swift's `Float16` is not
  /// there on every system.)
  static func half(_ bits: UInt16) -> Double {
    let (exponent, fraction) = (Int(bits >> 10 & 31), Double(bits & 1023))
    let magnitude: Double =
      switch exponent {
      case 0: fraction * 0x1p-24
      case 31: fraction == 0 ? .infinity : .nan
      default:
        Double(sign: .plus, exponent: exponent - 15, significand: 1 + fraction * 0x1p-10)
      }
    return bits >> 15 == 0 ? magnitude : -magnitude
  }
}
