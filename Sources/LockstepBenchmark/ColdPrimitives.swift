import LockstepPlatform
import LockstepEngine

/// The bare primitives of the forward and backward pass of a shard, or of the shards computed at once,
/// each timed alone and on operands that are in no cache.
struct ColdPrimitives {
  /// The layer and the operation of each, in the plan's order.
  var labels: [String] { bare.labels }

  private let bare: BarePrimitives
  private let caches: CacheFlush

  init(_ plan: Plan, emptying caches: CacheFlush) throws {
    bare = try BarePrimitives(plan)
    self.caches = caches
  }

  /// Runs each of them once and returns the seconds of each, by this thread's own clock, so that other
  /// programs' time does not count.
  ///
  /// - Parameter meeting: is called before and behind each, with the caches empty: ranks that measure
  ///   at once meet there, so that none empties its caches while another one is timed.
  func seconds(meeting: () throws -> Void = {}) throws -> [Double] {
    try labels.indices.map { index in
      caches.run()
      try meeting()
      let start = SystemClock.threadSeconds
      try bare.run(index)
      let seconds = SystemClock.threadSeconds - start
      try meeting()
      return seconds
    }
  }
}

/// Pushes other data out of all caches.
struct CacheFlush {
  private let streams = Streams()
  private let values = Arena<Float>(count: 16 << 20)

  /// Reads 64 MiB, twice what the last-level cache of a common processor holds.
  func run() { streams.read(UnsafeBufferPointer(values.buffer)) }
}
