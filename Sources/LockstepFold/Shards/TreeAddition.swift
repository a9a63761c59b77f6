internal import CLockstepKernels
import LockstepEngine

/// The tree's addition: Float32, rounded where the tree says so.
struct TreeAddition {
  package let rounding: FoldRounding?
  private let kernels: UnsafePointer<lockstep_arena_kernels>
  private let wire: WireKernels

  init(_ rounding: FoldRounding?) {
    self.rounding = rounding
    kernels = InstructionSet.current.arenaKernels
    wire = WireKernels()
  }

  /// sum = left + right, for `count` values the first of which has an index in its arena, as a node
  /// of a level.
  func add(
    _ sum: UnsafeMutablePointer<Float>, _ left: UnsafePointer<Float>,
    _ right: UnsafePointer<Float>, at index: Int, count: Int, level: Int
  ) {
    let rounded = rounding?.count(ofLevel: level, at: index, count) ?? 0
    if rounded > 0 { wire.add(sum, left, right, count: rounded) }
    if rounded < count {
      kernels.pointee.add(sum + rounded, left + rounded, right + rounded, count - rounded)
    }
  }

  /// Rounds a node of a level that was added up elsewhere, or that is a leaf.
  func round(_ values: UnsafeMutableBufferPointer<Float>, level: Int) {
    round(values, values.indices, level: level)
  }

  /// Rounds a part of such a node.
  func round(_ values: UnsafeMutableBufferPointer<Float>, _ part: Range<Int>, level: Int) {
    let rounded = rounding?.count(ofLevel: level, at: part.lowerBound, part.count) ?? 0
    if rounded > 0, let start = values.baseAddress {
      wire.round(start + part.lowerBound, count: rounded)
    }
  }
}
