import LockstepEngine

/// An arena that all ranks of a group see at once: what one writes the others read, and nobody
/// copies.
///
/// Who writes when is for the step to order; ``Collective/barrier()`` and the meetings of a
/// `GradientExchange` make writes visible.
package final class SharedArena: @unchecked Sendable {
  // Unchecked: the pointer never changes; who may write when is the step's order, not the type's.

  /// The values, zero at first, at this rank's address.
  package let buffer: UnsafeMutableBufferPointer<Float>
  /// Keeps the memory.
  private let owner: AnyObject

  /// Makes an arena of values in memory that `owner` keeps.
  package init(_ buffer: UnsafeMutableBufferPointer<Float>, owner: AnyObject) {
    self.buffer = buffer
    self.owner = owner
  }
}
