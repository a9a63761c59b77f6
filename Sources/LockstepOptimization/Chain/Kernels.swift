internal import CLockstepKernels
import LockstepEngine

/// The kernel tables of one instruction set.
struct Kernels {
  let set: InstructionSet
  let update: lockstep_update_kernels
  private let squares: @convention(c) (UnsafePointer<Float>?, Int) -> Double

  init(_ set: InstructionSet) {
    self.set = set
    let isa = lockstep_isa(rawValue: set.rawValue)
    update = lockstep_update_kernels_for(isa).pointee
    squares = lockstep_arena_kernels_for(isa).pointee.sum_of_squares
  }

  /// The sum of squares in Double.
  func sumOfSquares(_ values: UnsafePointer<Float>, _ count: Int) -> Double {
    squares(values, count)
  }

  /// out = in · factor for a factor that may be too small or too large for Float.
  func scale(
    _ out: UnsafeMutablePointer<Float>, _ input: UnsafePointer<Float>, by factor: ScaleFactor,
    _ count: Int
  ) {
    update.scale(out, input, factor.first, count)
    if factor.isSplit { update.scale(out, out, factor.second, count) }
  }
}

/// A factor as one Float or, where it leaves Float's normal range, as the product of two.
struct ScaleFactor: Equatable {
  var first: Float
  var second: Float = 1
  /// Whether one multiplication is not enough.
  var isSplit: Bool { second != 1 }

  init(_ factor: Double) {
    // The first multiplication is by a power of two and exact, unless the result vanishes anyway.
    if factor != 0, factor < 0x1p-100 {
      first = 0x1p-100
      second = Float(factor * 0x1p100)
    } else if factor > 0x1p100 {
      first = 0x1p100
      second = Float(factor * 0x1p-100)
    } else {
      first = Float(factor)
    }
  }
}
