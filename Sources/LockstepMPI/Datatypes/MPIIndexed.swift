/// A value with an index, for the minimum or maximum and the place where it was found.
///
/// Of equal values the lowest index wins. Source: MPI 3.1, section 5.9.4.
public struct MPIIndexed<Value: MPIIndexable>: MPIDatatype, Equatable {
  /// The value that is compared.
  public var value: Value
  /// The index, often the rank.
  public var index: Int32

  /// - Throws: ``MPIError`` of kind `argument` where the index does not fit 32 bits, which is all that
  ///   MPI's pairs have room for.
  public init(_ value: Value, index: Int) throws(MPIError) {
    guard let index = Int32(exactly: index) else {
      throw argumentError("MPIIndexed", "index \(index) does not fit 32 bits")
    }
    self.value = value
    self.index = index
  }

  public static var mpiLayout: MPILayout { Value.mpiIndexedLayout }
}

/// A value for which MPI has a pair type.
public protocol MPIIndexable: MPINumber, Equatable {
  /// The layout of the value followed by an index.
  static var mpiIndexedLayout: MPILayout { get }
}

/// A value for which MPI has a pair type of its own.
protocol NativeIndexable: MPIIndexable {
  /// Which one.
  static var mpiPairKind: MPILayout.Kind { get }
}

extension NativeIndexable {
  public static var mpiIndexedLayout: MPILayout {
    MPILayout(kind: mpiPairKind, of: MPIIndexed<Self>.self)
  }
}

extension Int16: NativeIndexable { static var mpiPairKind: MPILayout.Kind { .int16Index } }
extension Int32: NativeIndexable { static var mpiPairKind: MPILayout.Kind { .int32Index } }
extension Int64: NativeIndexable { static var mpiPairKind: MPILayout.Kind { .int64Index } }
extension Int: NativeIndexable { static var mpiPairKind: MPILayout.Kind { .int64Index } }
extension Float: NativeIndexable { static var mpiPairKind: MPILayout.Kind { .floatIndex } }
extension Double: NativeIndexable { static var mpiPairKind: MPILayout.Kind { .doubleIndex } }

/// A value-and-index pair: the type that locations of minima and maxima are found on.
public protocol MPIPair: MPIDatatype {}
extension MPIIndexed: MPIPair {}
