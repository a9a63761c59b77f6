import LockstepObservation
import LockstepMPI

/// Folded slices on their way back: each owner's to one rank of every other node, its delegate, into
/// the arena that the node's ranks share.
///
/// A slice goes in one part or in several, each as soon as it is started.
final class SliceReturn {
  /// This rank's slice.
  private let own: [MessageBucket]
  /// The slices of other nodes that it is the delegate of.
  private let others: [MessageBucket]

  /// - Parameters:
  ///   - parts: of each rank's slice.
  ///   - slice: what carries a part.
  ///   - tag: of the first part of a slice.
  init(
    _ parts: [[BucketPart]], _ ranks: NodeGroup, tag: Int, on group: MPICommunicator,
    page: StatusPage?, _ slice: (Range<Int>) -> WireSlice
  ) throws {
    own = try parts[ranks.rank].enumerated().map { place, part in
      let bucket = MessageBucket(part, sends: true, isFolded: true, on: group, page: page)
      let slice = slice(part.values)
      for delegate in ranks.delegates { try bucket.add(slice, with: delegate, tag: tag + place) }
      return bucket
    }
    others = try ranks.peers.flatMap { owner in
      try parts[owner].enumerated().map { place, part in
        let bucket = MessageBucket(part, sends: false, isFolded: true, on: group, page: page)
        try bucket.add(slice(part.values), with: owner, tag: tag + place)
        return bucket
      }
    }
  }

  /// Gets ready to receive; from now on the others' slices are written.
  func open() throws { for bucket in others { try bucket.start() } }

  /// Sends one part of this rank's slice, which is complete.
  func send(_ place: Int) throws { try own[place].start() }

  /// Starts what has not been started, and waits for all.
  func finish(stillWaiting: (_ peer: Int) -> Void) throws {
    try open()
    for bucket in own { try bucket.start() }
    for bucket in others {
      try bucket.wait(stillWaiting: stillWaiting)
      bucket.unpack(bucket.part.values)
    }
    for bucket in own { try bucket.wait(stillWaiting: stillWaiting) }
    for bucket in others { bucket.reset() }
    for bucket in own { bucket.reset() }
  }
}
