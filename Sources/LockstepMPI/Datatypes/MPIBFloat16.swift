internal import CMPI

/// A bf16 number: the upper half of a Float32 (1 sign, 8 exponent and 7 fraction bits).
///
/// Reductions compute in Float32 and round to nearest, ties to even, after each addition or
/// multiplication. A NaN on any rank survives minima and maxima.
public struct MPIBFloat16: MPINumber, Equatable, CustomStringConvertible {
  /// The sixteen bits.
  public var bitPattern: UInt16

  /// Makes the number that has these sixteen bits.
  public init(bitPattern: UInt16) { self.bitPattern = bitPattern }

  /// The nearest bf16 number, ties to even; a NaN stays a NaN.
  public init(_ value: Float) { bitPattern = lockstep_mpi_bf16_round(value) }

  /// The same number as a Float32, exactly.
  public var float: Float { Float(bitPattern: UInt32(bitPattern) << 16) }

  public var description: String { float.description }

  /// Compares as numbers: zeros are equal, a NaN is not equal to itself.
  public static func == (left: Self, right: Self) -> Bool { left.float == right.float }

  public static var mpiLayout: MPILayout { .init(kind: .bfloat16) }
}
