internal import CLockstepKernels
import LockstepEngine

/// Arithmetic on vectors in the layout of the trainable parameters, which every rank holds whole.
///
/// Elements depend on elements alone, and a dot product is a sum over blocks in block order, so no
/// bit depends on ranks or instruction sets.
struct BlockVectors {
  private let blocks: [Block]
  private let count: Int
  private let vector: UnsafePointer<lockstep_vector_kernels>
  private let update: UnsafePointer<lockstep_update_kernels>

  /// - Parameters:
  ///   - blocks: the blocks of the layout.
  ///   - count: its length.
  init(_ blocks: [Block], count: Int) {
    self.blocks = blocks
    self.count = count
    vector = lockstep_vector_kernels_for(lockstep_isa(rawValue: InstructionSet.current.rawValue))
    update = lockstep_update_kernels_for(lockstep_isa(rawValue: InstructionSet.current.rawValue))
  }

  /// aᵀ b, in Double.
  func dot(_ a: UnsafePointer<Float>, _ b: UnsafePointer<Float>) -> Double {
    var sum = 0.0
    for block in blocks {
      sum += vector.pointee.dot(a + block.offset, b + block.offset, block.count)
    }
    return sum
  }

  /// out = a + factor · b; `out` may be either.
  func add(
    _ out: UnsafeMutablePointer<Float>, _ a: UnsafePointer<Float>, _ factor: Double,
    _ b: UnsafePointer<Float>
  ) {
    update.pointee.add_scaled(out, a, b, Float(factor), count)
  }

  /// out = factor · a; `out` may be a.
  func scale(_ out: UnsafeMutablePointer<Float>, _ factor: Double, _ a: UnsafePointer<Float>) {
    update.pointee.scale(out, a, Float(factor), count)
  }

  /// out = r / (diagonal + damping)^¾; padding stays zero.
  func precondition(
    _ out: UnsafeMutablePointer<Float>, _ r: UnsafePointer<Float>,
    diagonal: UnsafePointer<Float>, damping: Double
  ) {
    vector.pointee.precondition(out, r, diagonal, Float(damping), count)
  }

  func copy(_ out: UnsafeMutablePointer<Float>, _ a: UnsafePointer<Float>) {
    out.update(from: a, count: count)
  }

  func clear(_ out: UnsafeMutablePointer<Float>) { out.update(repeating: 0, count: count) }
}
