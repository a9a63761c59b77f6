import LockstepPlatform

/// A run of 64-byte aligned, zero-initialised values, released when its owner goes.
///
/// Large arenas ask for huge pages; whether they were obtained is the system's choice and changes
/// no result.
public final class Arena<Element: BitwiseCopyable>: @unchecked Sendable {
  // Unchecked: the pointer never changes; who may write when is the step's order, not the type's.

  /// The values.
  package let buffer: UnsafeMutableBufferPointer<Element>

  /// The indices of the values at hand: all from 0 on, or those of a part of a longer arena.
  public let indices: Range<Int>

  /// The address of the value with index 0, which lies outside where only a part is at hand.
  @usableFromInline package var base: UnsafeMutablePointer<Element> {
    buffer.baseAddress! - indices.lowerBound
  }
  /// The number of values at hand.
  package var count: Int { buffer.count }

  private let mapping: UnsafeMutableRawPointer

  /// Allocates `count` zero bytes-valued elements; none where the count is negative.
  package convenience init(count: Int) { self.init(indices: 0..<max(count, 0)) }

  /// Allocates a part of an arena that nobody holds whole: `base` and an index in `indices` lead
  /// to a value, as in an arena that starts at 0.
  package init(indices: Range<Int>) {
    self.indices = indices
    let count = indices.count
    let (wanted, overflow) = count.multipliedReportingOverflow(by: MemoryLayout<Element>.stride)
    let huge = 2 << 20
    guard !overflow, wanted < Int.max - huge else { OutOfMemory.end(bytes: Int.max) }
    let bytes = max(wanted, 64)
    let alignment = bytes >= huge ? huge : 64
    let size = (bytes + alignment - 1) / alignment * alignment
    guard let pointer = aligned_alloc(alignment, size) else { OutOfMemory.end(bytes: size) }
    if bytes >= huge { madvise(pointer, size, MADV_HUGEPAGE) }
    memset(pointer, 0, size)
    mapping = pointer
    buffer = UnsafeMutableBufferPointer(
      start: pointer.bindMemory(to: Element.self, capacity: max(count, 1)), count: count)
  }

  deinit { free(mapping) }

  /// A value, by its index in ``indices``.
  public subscript(index: Int) -> Element {
    get {
      precondition(indices.contains(index), "an arena has no value \(index): it has \(indices)")
      return base[index]
    }
    set {
      precondition(indices.contains(index), "an arena has no value \(index): it has \(indices)")
      base[index] = newValue
    }
  }
}
