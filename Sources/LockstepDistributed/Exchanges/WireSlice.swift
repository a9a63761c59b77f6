import LockstepFold
import LockstepEngine
import LockstepMPI

/// A slice of an arena whose values are sent or received again and again: as they lie, or packed.
///
/// Packed, gradients take two bytes each, and statistics follow them as Float32. Only values that
/// the plan rounds may be packed, so that nothing is lost.
struct WireSlice {
  /// The values' places in their arena.
  let slice: Range<Int>
  /// The arena's value with index 0, which may lie outside where only the slice is at hand.
  private let values: UnsafeMutablePointer<Float>
  private let owner: AnyObject
  private let packed: PackedSlice?

  /// - Parameters:
  ///   - values: the arena's value with index 0.
  ///   - owner: what keeps the arena's memory.
  ///   - packed: the room for what travels; nil where the values travel as they lie.
  init(
    _ slice: Range<Int>, of values: UnsafeMutablePointer<Float>, owner: AnyObject,
    packed: PackedSlice?
  ) {
    self.slice = slice
    self.values = values
    self.owner = owner
    self.packed = packed
  }

  /// Adds the message that sends the slice to a peer. An empty slice is not sent.
  func addSend(to peer: Int, tag: Int, _ messages: MPIPersistentMessages) throws {
    guard !slice.isEmpty else { return }
    if let packed {
      try messages.addSend(UnsafeBufferPointer(packed.bytes), to: peer, tag: tag, owner: packed)
    } else {
      try messages.addSend(
        UnsafeBufferPointer(start: values + slice.lowerBound, count: slice.count), to: peer,
        tag: tag, owner: owner)
    }
  }

  /// Adds the message that receives the slice from a peer.
  func addReceive(from peer: Int, tag: Int, _ messages: MPIPersistentMessages) throws {
    guard !slice.isEmpty else { return }
    if let packed {
      try messages.addReceive(into: packed.bytes, from: peer, tag: tag, owner: packed)
    } else {
      try messages.addReceive(
        into: UnsafeMutableBufferPointer(start: values + slice.lowerBound, count: slice.count),
        from: peer, tag: tag, owner: owner)
    }
  }

  /// Makes ready what is sent next.
  func pack() { packed?.pack(values) }

  /// Brings received values of a part of the slice to their places.
  func unpack(_ part: Range<Int>) { packed?.unpack(part, into: values) }

  /// Brings all received values to their places.
  func unpack() { packed?.unpack(slice, into: values) }
}

/// The bytes of a slice in transit: bf16 for gradients, Float32 for the statistics behind them.
final class PackedSlice {
  /// What travels.
  let bytes: UnsafeMutableBufferPointer<UInt8>

  private let gradients: Range<Int>
  private let statistics: Range<Int>
  private let halves: UnsafeMutablePointer<UInt16>
  private let floats: UnsafeMutablePointer<Float>
  private let arena: Arena<UInt8>
  private let kernels = WireKernels()

  /// The number of bytes that a slice travels in.
  static func byteCount(_ slice: Range<Int>, of plan: FoldPlan) -> Int {
    let gradients = slice.clamped(to: 0..<plan.gradientCount).count
    return statisticsOffset(gradients) + (slice.count - gradients) * MemoryLayout<Float>.stride
  }

  /// Statistics start at a multiple of their size.
  private static func statisticsOffset(_ gradients: Int) -> Int { (gradients + 1) / 2 * 4 }

  /// Room for a slice in an arena of bytes, from a multiple of four of them on.
  init(_ slice: Range<Int>, of plan: FoldPlan, in arena: Arena<UInt8>, at offset: Int = 0) {
    self.arena = arena
    gradients = slice.clamped(to: 0..<plan.gradientCount)
    statistics =
      max(
        slice.lowerBound, gradients.upperBound)..<max(
        slice.upperBound, gradients.upperBound)
    let start = UnsafeMutableRawPointer(arena.base + offset)
    bytes = UnsafeMutableBufferPointer(
      start: arena.base + offset, count: Self.byteCount(slice, of: plan))
    halves = start.bindMemory(to: UInt16.self, capacity: max(gradients.count, 1))
    floats = (start + Self.statisticsOffset(gradients.count))
      .bindMemory(to: Float.self, capacity: max(statistics.count, 1))
  }

  /// Room for a slice of its own.
  convenience init(_ slice: Range<Int>, of plan: FoldPlan) {
    self.init(slice, of: plan, in: Arena(count: Self.byteCount(slice, of: plan)))
  }

  /// Packs the slice of an arena.
  func pack(_ values: UnsafePointer<Float>) {
    kernels.pack(values + gradients.lowerBound, into: halves, count: gradients.count)
    floats.update(from: values + statistics.lowerBound, count: statistics.count)
  }

  /// Brings a part of the slice to its place in an arena.
  func unpack(_ part: Range<Int>, into values: UnsafeMutablePointer<Float>) {
    let first = part.clamped(to: gradients)
    kernels.unpack(
      halves + (first.lowerBound - gradients.lowerBound), into: values + first.lowerBound,
      count: first.count)
    let second = part.clamped(to: statistics)
    (values + second.lowerBound).update(
      from: floats + (second.lowerBound - statistics.lowerBound), count: second.count)
  }
}
