internal import CLockstepKernels
import LockstepEngine

/// Float32 values rounded to bf16 and packed into two bytes each. All instruction sets give the same
/// bits.
package struct WireKernels {
  private let kernels: UnsafePointer<lockstep_wire_kernels>

  package init() {
    kernels = lockstep_wire_kernels_for(lockstep_isa(rawValue: InstructionSet.current.rawValue))
  }

  /// Rounds values in place.
  package func round(_ values: UnsafeMutablePointer<Float>, count: Int) {
    kernels.pointee.round(values, values, count)
  }

  /// sum = a + b, rounded.
  func add(
    _ sum: UnsafeMutablePointer<Float>, _ a: UnsafePointer<Float>, _ b: UnsafePointer<Float>,
    count: Int
  ) {
    kernels.pointee.add_round(sum, a, b, count)
  }

  /// Keeps the upper halves of values, which are all of rounded ones.
  package func pack(
    _ values: UnsafePointer<Float>, into halves: UnsafeMutablePointer<UInt16>, count: Int
  ) {
    kernels.pointee.pack(halves, values, count)
  }

  /// The values of upper halves.
  package func unpack(
    _ halves: UnsafePointer<UInt16>, into values: UnsafeMutablePointer<Float>, count: Int
  ) {
    kernels.pointee.unpack(values, halves, count)
  }
}
