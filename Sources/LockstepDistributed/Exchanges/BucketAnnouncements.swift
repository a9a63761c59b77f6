import LockstepMPI

/// Which buckets all ranks of a node have complete partials of, in the step at hand.
///
/// Each rank has a counter a bucket, in memory that the node's ranks share: the number of the last
/// step in which it announced all of the bucket. Whoever sees the step's number in all of them sees
/// what was written to the partials before, too. Nobody waits here.
package final class BucketAnnouncements {
  /// A bucket's values, and how many of them this rank has not announced yet.
  private struct Pending {
    let values: Range<Int>
    var missing: Int
  }

  private let pending: UnsafeMutableBufferPointer<Pending>
  /// Each rank's counters, by place on the node.
  private let counters: UnsafeMutableBufferPointer<UnsafeMutableRawPointer>
  private let place: Int
  private let owner: AnyObject
  private var step: UInt64 = 1

  /// The bytes of a rank's counters, a multiple of 64: no other rank writes to their lines.
  package static func byteCount(_ buckets: Int) -> Int {
    (buckets * MemoryLayout<UInt64>.stride + 63) / 64 * 64
  }

  /// - Parameters:
  ///   - buckets: the values of each bucket, by number.
  ///   - counters: where each rank's counters lie, zero at first.
  ///   - place: whose this object is.
  ///   - owner: what keeps that memory.
  package init(
    _ buckets: [Range<Int>], counters: [UnsafeMutableRawPointer], place: Int, owner: AnyObject
  ) {
    self.place = place
    self.owner = owner
    pending = .allocate(capacity: buckets.count)
    _ = pending.initialize(
      fromContentsOf: buckets.map { Pending(values: $0, missing: $0.count) })
    self.counters = .allocate(capacity: counters.count)
    _ = self.counters.initialize(fromContentsOf: counters)
  }

  deinit {
    pending.deallocate()
    counters.deallocate()
  }

  private func counter(_ place: Int, _ bucket: Int) -> MPISharedCounter {
    MPISharedCounter(aligned: counters[place] + bucket * MemoryLayout<UInt64>.stride)
  }

  /// This rank's partials are complete in a part of the arena.
  package func add(_ part: Range<Int>) {
    for bucket in pending.indices {
      let (values, missing) = (pending[bucket].values, pending[bucket].missing)
      guard missing > 0, values.overlaps(part) else { continue }
      let left = missing - part.clamped(to: values).count
      pending[bucket].missing = left
      if left == 0 { counter(place, bucket).advance(to: step) }
    }
  }

  /// This rank's partials are complete.
  package func addAll() {
    for bucket in pending.indices where pending[bucket].missing > 0 {
      pending[bucket].missing = 0
      counter(place, bucket).advance(to: step)
    }
  }

  /// Whether all ranks of the node have announced all of a bucket.
  package func isComplete(_ bucket: Int) -> Bool {
    for place in counters.indices where counter(place, bucket).value < step { return false }
    return true
  }

  /// Makes ready for the next step.
  package func reset() {
    step += 1
    for bucket in pending.indices { pending[bucket].missing = pending[bucket].values.count }
  }
}
