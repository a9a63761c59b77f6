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
