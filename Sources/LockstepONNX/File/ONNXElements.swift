internal import CProtocolBuffers
import LockstepEngine

/// The type of the values of a tensor of a file, and how they are brought to Float32 or integers.
enum ONNXElements {
  case float, double, half, bfloat, int8, int16, int32, int64, uint8, uint16, uint32, uint64, bool

  /// - Parameter number: the format's number for the type.
  init?(_ number: Int32) {
    switch number {
    case 1: self = .float
    case 2: self = .uint8
    case 3: self = .int8
    case 4: self = .uint16
    case 5: self = .int16
    case 6: self = .int32
    case 7: self = .int64
    case 9: self = .bool
    case 10: self = .half
    case 11: self = .double
    case 12: self = .uint32
    case 13: self = .uint64
    case 16: self = .bfloat
    default: return nil
    }
  }

  /// What values of a type are here; nil where they are none.
  static func kind(_ number: Int32) -> ONNXTensor.Scalar? { Self(number)?.scalar }

  var scalar: ONNXTensor.Scalar {
    switch self {
    case .float, .double, .half, .bfloat: .float32
    case .int64, .uint32, .uint64: .int64
    case .int8, .int16, .int32, .uint8, .uint16: .int32
    case .bool: .bool
    }
  }

  /// The number of bytes of one value.
  var byteCount: Int {
    switch self {
    case .int8, .uint8, .bool: 1
    case .half, .bfloat, .int16, .uint16: 2
    case .float, .int32, .uint32: 4
    case .double, .int64, .uint64: 8
    }
  }

  /// A tensor of values that lie behind one another, little endian.
  func tensor(_ shape: [Int], raw: UnsafeRawBufferPointer) -> ONNXTensor {
    func values<Stored: BitwiseCopyable, Result>(_ convert: (Stored) -> Result) -> [Result] {
      (0..<raw.count / MemoryLayout<Stored>.stride).map {
        convert(
          raw.loadUnaligned(fromByteOffset: $0 * MemoryLayout<Stored>.stride, as: Stored.self))
      }
    }
    switch self {
    case .float: return ONNXTensor(shape, floats: values { (x: Float) in x })
    case .double: return ONNXTensor(shape, floats: values { (x: Double) in Float(x) })
    case .half: return ONNXTensor(shape, floats: values(Self.half))
    case .bfloat: return ONNXTensor(shape, floats: values(Self.bfloat))
    case .int8: return integers(shape, values { (x: Int8) in Int(x) })
    case .int16: return integers(shape, values { (x: Int16) in Int(x) })
    case .int32: return integers(shape, values { (x: Int32) in Int(x) })
    case .int64: return integers(shape, values { (x: Int64) in Int(x) })
    case .uint8, .bool: return integers(shape, values { (x: UInt8) in Int(x) })
    case .uint16: return integers(shape, values { (x: UInt16) in Int(x) })
    case .uint32: return integers(shape, values { (x: UInt32) in Int(x) })
    case .uint64: return integers(shape, values { (x: UInt64) in Int(truncatingIfNeeded: x) })
    }
  }

  /// A tensor of the values of a message's fields.
  func tensor(_ shape: [Int], fields: Onnx__TensorProto) -> ONNXTensor {
    func list<Value>(_ first: UnsafeMutablePointer<Value>?, _ count: Int) -> UnsafeBufferPointer<
      Value
    > {
      UnsafeBufferPointer(start: UnsafePointer(first), count: count)
    }
    let small = list(fields.int32_data, fields.n_int32_data)
    switch self {
    case .float:
      return ONNXTensor(shape, floats: Array(list(fields.float_data, fields.n_float_data)))
    case .double:
      return ONNXTensor(
        shape, floats: list(fields.double_data, fields.n_double_data).map { Float($0) })
    case .half:
      return ONNXTensor(shape, floats: small.map { Self.half(UInt16(truncatingIfNeeded: $0)) })
    case .bfloat:
      return ONNXTensor(shape, floats: small.map { Self.bfloat(UInt16(truncatingIfNeeded: $0)) })
    case .int64: return integers(shape, list(fields.int64_data, fields.n_int64_data).map(Int.init))
    case .uint32, .uint64:
      return integers(
        shape, list(fields.uint64_data, fields.n_uint64_data).map { Int(truncatingIfNeeded: $0) })
    case .int8, .int16, .int32, .uint8, .uint16, .bool: return integers(shape, small.map(Int.init))
    }
  }

  private func integers(_ shape: [Int], _ values: [Int]) -> ONNXTensor {
    ONNXTensor(shape, integers: values, scalar)
  }

  /// The upper half of a Float32.
  private static func bfloat(_ bits: UInt16) -> Float { Float(bitPattern: UInt32(bits) << 16) }

  /// IEEE 754's half precision: a sign, 5 bits of exponent, 10 of mantissa.
  private static func half(_ bits: UInt16) -> Float {
    let (exponent, mantissa) = (Int(bits >> 10 & 31), UInt32(bits & 1023))
    let magnitude: Float =
      switch exponent {
      case 0: Float(mantissa) * 0x1p-24
      case 31: mantissa == 0 ? .infinity : .nan
      default: Float(bitPattern: UInt32(exponent + 112) << 23 | mantissa << 13)
      }
    return bits >> 15 == 1 ? -magnitude : magnitude
  }
}
