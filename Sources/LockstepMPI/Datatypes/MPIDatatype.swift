internal import CMPI

/// A type whose values travel between ranks.
///
/// The fixed-width integers, `Int`, `UInt`, `Bool`, `Float`, `Double`, ``MPIBFloat16`` and
/// ``MPIIndexed`` conform. A plain struct of one's own conforms with one of two layouts:
///
/// - `static let mpiLayout = MPILayout.fields(of: Self.self, \.mass, \.position)`: MPI knows each field
///   and its type, and padding does not travel;
/// - `static let mpiLayout = MPILayout.bytes(of: Self.self)`: values travel as they lie in memory, so
///   all ranks must run the same binary.
///
/// Reductions on it are user-defined.
///
/// Source: MPI 3.1, chapter 4.
public protocol MPIDatatype: BitwiseCopyable, Sendable {
  /// How a value lies in memory.
  static var mpiLayout: MPILayout { get }
}

/// How a value lies in memory, as MPI needs to know it.
public struct MPILayout: Sendable, Hashable {
  enum Kind: Hashable {
    case bool
    case int8, int16, int32, int64
    case uint8, uint16, uint32, uint64
    case float, double, bfloat16
    case int16Index, int32Index, int64Index, floatIndex, doubleIndex
    case bytes(Int)
    /// Fields at their offsets in bytes.
    case fields([Field])
    /// No layout, for a reason that the first call tells.
    case invalid(String)
  }
  struct Field: Hashable {
    let offset: Int
    let layout: MPILayout
  }
  let kind: Kind
  /// The bytes from one value in memory to the next.
  let memoryBytes: Int

  /// The layout of a value that lies in memory as it travels.
  init(kind: Kind) {
    self.kind = kind
    memoryBytes = Self.messageBytes(kind)
  }

  /// The layout of a value that has padding in memory.
  init<Value>(kind: Kind, of type: Value.Type) {
    self.kind = kind
    memoryBytes = MemoryLayout<Value>.stride
  }

  /// The layout of a plain value whose memory is copied byte by byte.
  public static func bytes<Value: BitwiseCopyable>(of type: Value.Type) -> MPILayout {
    MPILayout(kind: .bytes(MemoryLayout<Value>.stride))
  }

  /// The bytes of one value in a message, without the padding that memory has.
  var messageBytes: Int { Self.messageBytes(kind) }

  private static func messageBytes(_ kind: Kind) -> Int {
    switch kind {
    case .bool, .int8, .uint8: 1
    case .int16, .uint16, .bfloat16: 2
    case .int32, .uint32, .float: 4
    case .int64, .uint64, .double: 8
    case .int16Index: 6
    case .int32Index, .floatIndex: 8
    case .int64Index, .doubleIndex: 12
    case .bytes(let count): count
    case .fields(let fields): fields.reduce(0) { $0 + $1.layout.messageBytes }
    case .invalid: 1
    }
  }

  /// The handle of MPI's type. The library must be ready.
  func handle() throws(MPIError) -> lockstep_mpi_datatype {
    switch kind {
    case .bool: lockstep_mpi_type_bool()
    case .int8: lockstep_mpi_type_int8()
    case .int16: lockstep_mpi_type_int16()
    case .int32: lockstep_mpi_type_int32()
    case .int64: lockstep_mpi_type_int64()
    case .uint8: lockstep_mpi_type_uint8()
    case .uint16: lockstep_mpi_type_uint16()
    case .uint32: lockstep_mpi_type_uint32()
    case .uint64: lockstep_mpi_type_uint64()
    case .float: lockstep_mpi_type_float()
    case .double: lockstep_mpi_type_double()
    case .int16Index: lockstep_mpi_type_int16_index()
    case .int32Index: lockstep_mpi_type_int32_index()
    case .int64Index: lockstep_mpi_type_int64_index()
    case .floatIndex: lockstep_mpi_type_float_index()
    case .doubleIndex: lockstep_mpi_type_double_index()
    case .bfloat16: try MPIRegistry.shared.bfloat16()
    case .bytes(let count): try MPIRegistry.shared.bytes(count)
    case .fields(let fields): try MPIRegistry.shared.fields(fields, of: self)
    case .invalid(let reason): throw argumentError("MPI_Type_create_struct", reason)
    }
  }
}

/// A number: sums, products, minima and maxima exist.
public protocol MPINumber: MPIDatatype {}

/// An integer: logical and bitwise operations exist too.
public protocol MPIInteger: MPINumber, FixedWidthInteger {}

/// A type for which MPI has one of its own.
protocol NativeDatatype: MPIDatatype {
  /// Which one.
  static var mpiKind: MPILayout.Kind { get }
}

extension NativeDatatype {
  public static var mpiLayout: MPILayout { MPILayout(kind: mpiKind) }
}

extension Int8: MPIInteger, NativeDatatype { static var mpiKind: MPILayout.Kind { .int8 } }
extension Int16: MPIInteger, NativeDatatype { static var mpiKind: MPILayout.Kind { .int16 } }
extension Int32: MPIInteger, NativeDatatype { static var mpiKind: MPILayout.Kind { .int32 } }
extension Int64: MPIInteger, NativeDatatype { static var mpiKind: MPILayout.Kind { .int64 } }
extension UInt8: MPIInteger, NativeDatatype { static var mpiKind: MPILayout.Kind { .uint8 } }
extension UInt16: MPIInteger, NativeDatatype { static var mpiKind: MPILayout.Kind { .uint16 } }
extension UInt32: MPIInteger, NativeDatatype { static var mpiKind: MPILayout.Kind { .uint32 } }
extension UInt64: MPIInteger, NativeDatatype { static var mpiKind: MPILayout.Kind { .uint64 } }
extension Int: MPIInteger, NativeDatatype { static var mpiKind: MPILayout.Kind { .int64 } }
extension UInt: MPIInteger, NativeDatatype { static var mpiKind: MPILayout.Kind { .uint64 } }
extension Float: MPINumber, NativeDatatype { static var mpiKind: MPILayout.Kind { .float } }
extension Double: MPINumber, NativeDatatype { static var mpiKind: MPILayout.Kind { .double } }
extension Bool: MPIDatatype, NativeDatatype { static var mpiKind: MPILayout.Kind { .bool } }
