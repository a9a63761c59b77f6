#if _endian(big)
  #error("tensor files are little-endian: reading and writing copy memory as it is")
#endif

/// The element types of the safetensors format.
package enum TensorElement: String, Sendable, CaseIterable {
  /// True or false, a byte each.
  case bool = "BOOL"
  /// Integers of 8 bits, unsigned.
  case uint8 = "U8"
  /// Integers of 8 bits, signed.
  case int8 = "I8"
  /// Numbers of 8 bits: 5 exponent and 2 fraction bits. (PyTorch's `float8_e5m2`.)
  case float8e5m2 = "F8_E5M2"
  /// Numbers of 8 bits: 4 exponent and 3 fraction bits, no infinity. (PyTorch's `float8_e4m3fn`.)
  case float8e4m3 = "F8_E4M3"
  /// Integers of 16 bits, signed.
  case int16 = "I16"
  /// Integers of 16 bits, unsigned.
  case uint16 = "U16"
  /// IEEE numbers of 16 bits: 5 exponent and 10 fraction bits.
  case float16 = "F16"
  /// Numbers of 16 bits: the upper half of a Float32.
  case bfloat16 = "BF16"
  /// Integers of 32 bits, signed.
  case int32 = "I32"
  /// Integers of 32 bits, unsigned.
  case uint32 = "U32"
  /// IEEE numbers of 32 bits.
  case float32 = "F32"
  /// IEEE numbers of 64 bits.
  case float64 = "F64"
  /// Integers of 64 bits, signed.
  case int64 = "I64"
  /// Integers of 64 bits, unsigned.
  case uint64 = "U64"

  /// Whether the elements can be read as Float32: F32 and F64, F16, BF16.
  package var isFloatingPoint: Bool {
    switch self {
    case .float32, .float64, .float16, .bfloat16: true
    default: false
    }
  }

  /// The size of one element in bytes.
  package var size: Int {
    switch self {
    case .bool, .uint8, .int8, .float8e5m2, .float8e4m3: 1
    case .int16, .uint16, .float16, .bfloat16: 2
    case .int32, .uint32, .float32: 4
    case .float64, .int64, .uint64: 8
    }
  }
}

/// Conversions from the other floating-point types of tensor files to Float32.
enum TensorConversion {
  /// The Float32 of a bf16 value: its upper half. Exact.
  static func float(bfloat16 bits: UInt16) -> Float { Float(bitPattern: UInt32(bits) << 16) }

  /// The Float32 of an IEEE half. Exact.
  static func float(float16 bits: UInt16) -> Float {
    let sign = UInt32(bits & 0x8000) << 16
    let exponent = UInt32(bits >> 10) & 0x1f
    let fraction = UInt32(bits & 0x3ff)
    switch exponent {
    case 0:
      // Zero and subnormals: a multiple of 2^-24.
      let magnitude = Float(fraction) * 0x1p-24
      return Float(bitPattern: magnitude.bitPattern | sign)
    case 0x1f: return Float(bitPattern: sign | 0x7f80_0000 | fraction << 13)
    default: return Float(bitPattern: sign | (exponent + 112) << 23 | fraction << 13)
    }
  }

  /// The Float32 values of a tensor's F32, F64 (rounded to nearest), BF16 or F16 elements.
  static func floats(
    _ bytes: UnsafeRawBufferPointer, _ element: TensorElement,
    into values: UnsafeMutableBufferPointer<Float>
  ) {
    func at<Bits: FixedWidthInteger>(_ index: Int, _: Bits.Type) -> Bits {
      bytes.loadUnaligned(fromByteOffset: index * MemoryLayout<Bits>.size, as: Bits.self)
    }
    for index in values.indices {
      switch element {
      case .float64: values[index] = Float(Double(bitPattern: at(index, UInt64.self)))
      case .bfloat16: values[index] = float(bfloat16: at(index, UInt16.self))
      case .float16: values[index] = float(float16: at(index, UInt16.self))
      case .float32: values[index] = Float(bitPattern: at(index, UInt32.self))
      default: preconditionFailure("\(element) is no floating-point type of tensor files")
      }
    }
  }
}
