import LockstepObservation
import LockstepFold
import LockstepEngine
import LockstepMPI

/// The messages that carry some buckets: partial sums to the owners of slices, and folded buckets
/// back.
final class PartialRoute {
  /// A bucket of a slice elsewhere, of which this rank is the delegate.
  struct Dispatch {
    let bucket: MessageBucket
    let sums: [NodeSum]

    /// Adds the node's partials up and starts their way.
    func send() throws {
      for sum in sums { sum.add(bucket.part.blocks) }
      try bucket.start()
    }
  }

  let dispatches: [Dispatch]
  /// Of this rank's slice, in the order of its blocks.
  let incoming: [MessageBucket]
  let gradients: SliceReturn

  /// How many tags a bucket needs, one a subtree of a node.
  private static func places(_ group: NodeGroup) -> Int { group.trees.map(\.count).max()! }

  /// The first tag behind those of a route's messages.
  static func tags(_ buckets: [[BucketPart]], _ group: NodeGroup) -> Int {
    (buckets.map(\.count).max() ?? 0) * (places(group) + 1)
  }

  /// - Parameter buckets: the parts of each rank's slice.
  init(
    _ buckets: [[BucketPart]], _ sums: PartialSums, on communicator: MPICommunicator,
    page: StatusPage?
  ) throws {
    let (plan, group, arenas) = (sums.plan, sums.group, sums.arenas)
    // A message's tag says which bucket of the slice and which of the node's subtrees.
    let places = Self.places(group)
    func slice(
      _ part: Range<Int>, _ tree: FoldPlan.Subtree, _ base: UnsafeMutablePointer<Float>,
      _ owner: AnyObject
    ) -> WireSlice {
      WireSlice(
        part, of: base, owner: owner,
        packed: plan.isRounded(tree) ? PackedSlice(part, of: plan) : nil)
    }
    dispatches = try group.peers.flatMap { owner in
      let sent = sums.sent[owner]!
      return try buckets[owner].enumerated().map { number, part in
        let bucket = MessageBucket(part, sends: true, on: communicator, page: page)
        for (place, (tree, sum)) in zip(group.trees[group.home], sent).enumerated() {
          try bucket.add(
            slice(part.values, tree, sum.base, sum.owner), with: owner,
            tag: number * places + place)
        }
        return Dispatch(bucket: bucket, sums: sent)
      }
    }
    incoming = try buckets[group.rank].enumerated().map { number, part in
      let bucket = MessageBucket(part, sends: false, on: communicator, page: page)
      for (node, delegate) in zip(group.others, group.delegates) {
        for (place, (tree, sum)) in zip(group.trees[node], sums.received[node]).enumerated() {
          try bucket.add(
            slice(part.values, tree, sum.base, sum), with: delegate,
            tag: number * places + place)
        }
      }
      return bucket
    }
    gradients = try SliceReturn(
      buckets, group, tag: (buckets.map(\.count).max() ?? 0) * places, on: communicator,
      page: page
    ) { part in
      WireSlice(
        part, of: arenas.folded.baseAddress!, owner: arenas,
        packed: plan.wire == .float32 ? nil : PackedSlice(part, of: plan))
    }
  }

  /// Gets ready to receive partial sums.
  func open() throws { for bucket in incoming { try bucket.start() } }

  /// Starts what has not been started, as it is; whether something is under way then.
  func startAll() throws -> Bool {
    for dispatch in dispatches { try dispatch.bucket.start() }
    return try isPending
  }

  /// Whether something is under way.
  private var isPending: Bool {
    get throws {
      var pending = false
      for dispatch in dispatches where try dispatch.bucket.progress() { pending = true }
      for bucket in incoming where try bucket.progress() { pending = true }
      return pending
    }
  }

  /// Lets MPI go on with all messages, by a look at the first that is under way; whether there is one.
  /// The last blocks come first.
  func progress() throws -> Bool {
    for place in incoming.indices.reversed() where try incoming[place].progress() { return true }
    for place in dispatches.indices.reversed() {
      if try dispatches[place].bucket.progress() { return true }
    }
    return false
  }

  /// Waits for what is under way.
  func wait(stillWaiting: (_ peer: Int) -> Void) throws {
    for bucket in incoming { try bucket.wait(stillWaiting: stillWaiting) }
    for dispatch in dispatches { try dispatch.bucket.wait(stillWaiting: stillWaiting) }
  }

  func reset() {
    for bucket in incoming { bucket.reset() }
    for dispatch in dispatches { dispatch.bucket.reset() }
  }
}
