import LockstepPlatform
import LockstepFold
import LockstepEngine
import LockstepTraining

/// What a rank must at least move through memory to fold the gradients of a step and to update the
/// parameters, in Float32 values.
///
/// - An addition of two gradients reads both and writes the sum: as many as the rank's part of the
///   tree has, over whole gradients for its own shards and over its slice for all ranks' sums.
/// - A rank without others has no such last addition that would measure the norm while a block is in
///   cache, and reads the gradient once for that.
/// - The update reads gradient, parameter and two moments and writes the latter three, over the slice
///   in a sharded update; in a replicated one over everything, once the other ranks' slices have been
///   read and written.
package struct StepTraffic: Equatable {
  /// Values that are added to others.
  package var added: Int
  /// Values that are only read.
  package var read: Int
  /// Values that are copied.
  package var copied: Int
  /// Values that are updated.
  package var updated: Int

  package init(_ plan: FoldPlan, rank: Int, isSharded: Bool) {
    let slice = plan.slices[rank].count
    let own = plan.shardRuns[rank].count - plan.subtrees[rank].count
    added = own * plan.layout.count + (plan.partialCount - 1) * slice
    read = plan.partialCount == 1 ? slice : 0
    copied = isSharded ? 0 : plan.layout.count - slice
    updated = isSharded ? slice : plan.layout.count
  }

  /// The bytes that are read and written.
  package var bytes: Int { 4 * (3 * added + read + 2 * copied + 7 * updated) }
}

/// Loops that move the bytes of a ``StepTraffic`` and do nothing else.
struct StepStreams {
  private let traffic: StepTraffic
  private let caches: CacheFlush
  private let arenas: [Arena<Float>]
  private let streams = Streams()

  /// - Parameter arenaCount: the values of a gradient.
  init(_ traffic: StepTraffic, arenaCount: Int, emptying caches: CacheFlush) {
    self.traffic = traffic
    self.caches = caches
    arenas = (0..<4).map { _ in Arena<Float>(count: arenaCount) }
  }

  /// The seconds of all loops by this thread's own clock, each kind of loop begun with empty caches.
  ///
  /// - Parameter meeting: is called before and behind each kind of loop, with the caches empty.
  func seconds(meeting: () throws -> Void) throws -> Double {
    let whole = arenas[0].count
    return try time(meeting) {
      var rest = traffic.added
      while rest > 0 {
        streams.add(arenas[1], to: arenas[0], count: min(rest, whole))
        rest -= whole
      }
    }
      + time(meeting) {
        streams.read(UnsafeBufferPointer(rebasing: arenas[0].buffer[..<traffic.read]))
        arenas[1].base.update(from: arenas[0].base, count: traffic.copied)
      }
      + time(meeting) { streams.update(arenas, count: traffic.updated) }
  }

  private func time(_ meeting: () throws -> Void, _ body: () -> Void) throws -> Double {
    caches.run()
    try meeting()
    let start = SystemClock.threadSeconds
    body()
    let seconds = SystemClock.threadSeconds - start
    try meeting()
    return seconds
  }
}
