internal import COneDNN

/// The type of a tensor's values in memory, which a plan chooses: Float32 values of a graph may be
/// stored as bfloat16.
enum StorageType {
  case float32, bfloat16, int32

  /// The type that a value of the graph has by itself.
  init(_ scalar: ScalarType) { self = scalar == .float32 ? .float32 : .int32 }

  /// The number of bytes of one value.
  var byteCount: Int { self == .bfloat16 ? 2 : 4 }

  var primitive: lockstep_type {
    switch self {
    case .float32: LOCKSTEP_F32
    case .bfloat16: LOCKSTEP_BF16
    case .int32: LOCKSTEP_S32
    }
  }
}
