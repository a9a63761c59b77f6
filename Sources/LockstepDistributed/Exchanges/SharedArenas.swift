import LockstepPlatform
import LockstepCollective
import LockstepObservation
import LockstepFold
import LockstepEngine
import LockstepMPI

/// The arenas of one node's ranks in a shared window, or of a rank alone in memory of its own:
/// everybody's partials, and one folded arena.
///
/// Each rank has a counter that moves on whenever it comes to a meeting; ``meet()`` returns when
/// all counters have. No call of MPI and no copy in a step.
final class SharedArenas {
  /// This rank's partials.
  let partials: [UnsafeMutableBufferPointer<Float>]
  /// The partials of all ranks of the node, in shard order.
  let operands: [FoldOperand]
  /// The node's folded arena.
  let folded: UnsafeMutableBufferPointer<Float>

  /// The node's ranks, and which of them this is.
  let ranks: Range<Int>
  let place: Int
  /// Keeps the memory.
  private let owner: AnyObject
  private let page: StatusPage?
  /// How far each rank is, by place on the node.
  private let progress: [MPISharedCounter]
  /// Not 0 where a rank has failed, by place on the node.
  private let failures: [MPISharedCounter]
  private let spins: Int
  private var phase: UInt64 = 0

  /// Which buckets are complete; of none where nobody was told of buckets.
  let announcements: BucketAnnouncements

  /// Two counters, each in 64 bytes of its own, and those of buckets lead every segment.
  private static func headerBytes(_ buckets: Int) -> Int {
    128 + BucketAnnouncements.byteCount(buckets)
  }

  /// The bytes of a rank's segment: counters, partials, and on the node's first rank the folded
  /// arena.
  static func segmentBytes(
    _ plan: FoldPlan, rank: Int, of ranks: Range<Int>, buckets: Int = 0
  ) -> Int {
    let arenas = plan.subtrees[rank].count + (rank == ranks.lowerBound ? 1 : 0)
    return headerBytes(buckets) + arenas * arenaBytes(plan)
  }

  /// The layout's length is a multiple of 64 bytes, so arenas in a row stay aligned.
  private static func arenaBytes(_ plan: FoldPlan) -> Int {
    plan.layout.count * MemoryLayout<Float>.stride
  }

  /// The arenas of the ranks that share a window.
  ///
  /// - Parameters:
  ///   - ranks: the node's ranks, in the group's numbers; the window's ranks are these in order.
  ///   - buckets: the values of buckets that ranks announce to each other.
  ///   - page: where waits are seen.
  convenience init(
    _ plan: FoldPlan, _ lease: LeasedWindow, ranks: Range<Int>, buckets: [Range<Int>] = [],
    page: StatusPage?
  ) throws {
    self.init(
      plan, try lease.window.segments.map { $0.baseAddress! }, owner: WindowUse(lease),
      ranks: ranks,
      place: lease.window.communicator.rank, buckets: buckets, page: page)
  }

  /// The arenas of a rank that shares memory with nobody.
  convenience init(
    _ plan: FoldPlan, alone rank: Int, buckets: [Range<Int>], page: StatusPage?
  ) {
    let ranks = rank..<rank + 1
    let memory = Arena<UInt8>(
      count: Self.segmentBytes(plan, rank: rank, of: ranks, buckets: buckets.count))
    self.init(
      plan, [UnsafeMutableRawPointer(memory.base)], owner: memory, ranks: ranks, place: 0,
      buckets: buckets, page: page)
  }

  private init(
    _ plan: FoldPlan, _ segments: [UnsafeMutableRawPointer], owner: AnyObject, ranks: Range<Int>,
    place: Int, buckets: [Range<Int>], page: StatusPage?
  ) {
    self.owner = owner
    self.ranks = ranks
    self.page = page
    self.place = place

    func arena(_ place: Int, _ number: Int) -> UnsafeMutableBufferPointer<Float> {
      let start =
        segments[place] + Self.headerBytes(buckets.count) + number * Self.arenaBytes(plan)
      return UnsafeMutableBufferPointer(
        start: start.bindMemory(to: Float.self, capacity: plan.layout.count),
        count: plan.layout.count)
    }
    let all = ranks.enumerated().map { place, rank in
      plan.subtrees[rank].indices.map { arena(place, $0) }
    }
    partials = all[place]
    folded = arena(0, plan.subtrees[ranks.lowerBound].count)
    operands = all.joined().map { FoldOperand(base: UnsafePointer($0.baseAddress!)) }
    progress = segments.map { MPISharedCounter(aligned: $0) }
    failures = segments.map { MPISharedCounter(aligned: $0 + 64) }
    announcements = BucketAnnouncements(
      buckets, counters: segments.map { $0 + 128 }, place: place, owner: owner)
    spins = segments.count > Processors.online ? 0 : 2000
  }

  /// Returns when all ranks of the node have come equally far; what they wrote before is visible
  /// then.
  ///
  /// - Parameter meanwhile: done now and then in a wait of more than some microseconds.
  func meet(meanwhile: () -> Void = {}) throws {
    phase += 1
    progress[place].advance(to: phase)
    if progress.count == 1 { return }
    try page.waiting {
      for peer in progress.indices where progress[peer].value < phase {
        page?.own.awaits(ranks.lowerBound + peer)
        let arrived = progress[peer].wait(atLeast: phase, spins: spins) {
          meanwhile()
          return failures.contains { $0.value != 0 }
        }
        guard arrived else {
          let failed = failures.firstIndex { $0.value != 0 } ?? peer
          throw FoldFailure(rank: ranks.lowerBound + failed)
        }
      }
    }
  }

  /// Waits for a number that another rank of the node writes.
  ///
  /// - Parameters:
  ///   - peer: that rank's place on the node.
  ///   - isGivenUp: looked at now and then; true ends the wait.
  func wait(
    for counter: MPISharedCounter, atLeast value: UInt64, of peer: Int,
    unless isGivenUp: () -> Bool = { false }
  ) throws {
    try page.waiting(isMeeting: false) {
      page?.own.awaits(ranks.lowerBound + peer)
      let arrived = counter.wait(atLeast: value, spins: spins) {
        isGivenUp() || failures.contains { $0.value != 0 }
      }
      if !arrived, let failed = failures.firstIndex(where: { $0.value != 0 }) {
        throw FoldFailure(rank: ranks.lowerBound + failed)
      }
    }
  }

  /// Runs what only this rank does; where it throws, the others' meetings throw too.
  func alone(_ body: () throws -> Void) throws {
    do { try body() } catch {
      failures[place].advance(to: 1)
      throw error
    }
  }
}

/// Makes an arena of so many values for the ranks of a node; nil, on all ranks, where there is too
/// little memory, with a notice of what is done without it.
typealias ArenaMaker = (_ count: Int, _ otherwise: String) throws -> SharedArena?

/// Why a step cannot be finished.
struct FoldFailure: SecondHandError, CustomStringConvertible {
  let rank: Int
  var description: String { "rank \(rank) failed while gradients were folded" }
}
