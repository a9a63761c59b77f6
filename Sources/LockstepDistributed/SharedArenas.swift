import LockstepEngine
import LockstepMPI
import LockstepTraining

/// The arenas of one node's ranks in a shared window: everybody's partials, and one folded arena.
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

  private let ranks: Range<Int>
  private let place: Int
  private let lease: LeasedWindow
  private let page: StatusPage?
  /// How far each rank is, by place on the node.
  private let progress: [MPISharedCounter]
  /// Not 0 where a rank has failed, by place on the node.
  private let failures: [MPISharedCounter]
  private let spins: Int
  private var phase: UInt64 = 0

  /// Two counters, each in 64 bytes of its own, lead every segment.
  private static let headerBytes = 128

  /// The bytes of a rank's segment: counters, partials, and on the node's first rank the folded
  /// arena.
  static func segmentBytes(_ plan: FoldPlan, rank: Int, of ranks: Range<Int>) -> Int {
    let arenas = plan.subtrees[rank].count + (rank == ranks.lowerBound ? 1 : 0)
    return headerBytes + arenas * arenaBytes(plan)
  }

  /// The layout's length is a multiple of 64 bytes, so arenas in a row stay aligned.
  private static func arenaBytes(_ plan: FoldPlan) -> Int {
    plan.layout.count * MemoryLayout<Float>.stride
  }

  /// - Parameters:
  ///   - ranks: the node's ranks, in the group's numbers; the window's ranks are these in order.
  ///   - page: where waits are seen.
  init(_ plan: FoldPlan, _ lease: LeasedWindow, ranks: Range<Int>, page: StatusPage?) {
    let window = lease.window
    self.lease = lease
    self.ranks = ranks
    self.page = page
    place = window.communicator.rank

    func arena(_ place: Int, _ number: Int) -> UnsafeMutableBufferPointer<Float> {
      let start =
        window.segments[place].baseAddress! + Self.headerBytes + number * Self.arenaBytes(plan)
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
    progress = window.segments.map { MPISharedCounter(at: $0.baseAddress!) }
    failures = window.segments.map { MPISharedCounter(at: $0.baseAddress! + 64) }
    spins = window.communicator.size > ProcessorCount.available ? 0 : 2000
  }

  deinit { lease.isUsed = false }

  /// Returns when all ranks of the node have come equally far; what they wrote before is visible
  /// then.
  func meet() throws {
    phase += 1
    progress[place].advance(to: phase)
    try page.waiting {
      for peer in progress.indices where progress[peer].value < phase {
        page?.own.awaits(ranks.lowerBound + peer)
        let arrived = progress[peer].wait(atLeast: phase, spins: spins) {
          failures.contains { $0.value != 0 }
        }
        guard arrived else {
          let failed = failures.firstIndex { $0.value != 0 } ?? peer
          throw FoldFailure(rank: ranks.lowerBound + failed)
        }
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

/// Why a step cannot be finished.
struct FoldFailure: SecondHandError, CustomStringConvertible {
  let rank: Int
  var description: String { "rank \(rank) failed while gradients were folded" }
}
