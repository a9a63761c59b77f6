import LockstepEngine
import LockstepMPI
import LockstepTraining

/// Gradients in a shared window: the owner of a slice reads its peers' partials in place, and all
/// ranks read one folded arena. No call of MPI and no copy in a step.
///
/// Each rank has a counter that moves on twice a step: "my partials are complete" and "my slice is
/// folded". Every rank waits for all counters at both places, which makes both reuses safe:
///
/// - Partials of step k + 1 are written after gather(k), so after every rank has folded its slice
///   of step k and reads no partials of it any more.
/// - Slices of step k + 1 are written after every rank has come to combine(k + 1), so after every
///   rank has finished reading the folded arena of step k.
final class SharedMemoryExchange: GradientExchange {
  let partials: [UnsafeMutableBufferPointer<Float>]
  let folded: UnsafeMutableBufferPointer<Float>

  private let plan: FoldPlan
  private let rank: Int
  private let lease: LeasedWindow
  private let executor: FoldExecutor
  private let operands: [FoldOperand]
  /// How far each rank is, by rank.
  private let progress: [MPISharedCounter]
  /// Not 0 where a rank has failed, by rank.
  private let failures: [MPISharedCounter]
  private let spins: Int
  private var phase: UInt64 = 0

  /// Why a step cannot be finished.
  struct PeerFailure: Error, CustomStringConvertible {
    let rank: Int
    var description: String { "rank \(rank) failed while gradients were folded" }
  }

  /// Two counters, each in 64 bytes of its own, lead every segment.
  private static let headerBytes = 128

  /// The bytes of a rank's segment: counters, partials, and on rank 0 the folded arena.
  static func segmentBytes(_ plan: FoldPlan, rank: Int) -> Int {
    let arenas = plan.subtrees[rank].count + (rank == 0 ? 1 : 0)
    return headerBytes + arenas * arenaBytes(plan)
  }

  /// The layout's length is a multiple of 64 bytes, so arenas in a row stay aligned.
  private static func arenaBytes(_ plan: FoldPlan) -> Int {
    plan.layout.count * MemoryLayout<Float>.stride
  }

  init(_ plan: FoldPlan, _ lease: LeasedWindow) {
    let window = lease.window
    self.plan = plan
    self.lease = lease
    rank = window.communicator.rank
    executor = FoldExecutor(plan)

    func arena(_ rank: Int, _ place: Int) -> UnsafeMutableBufferPointer<Float> {
      let start =
        window.segments[rank].baseAddress! + Self.headerBytes + place * Self.arenaBytes(plan)
      return UnsafeMutableBufferPointer(
        start: start.bindMemory(to: Float.self, capacity: plan.layout.count),
        count: plan.layout.count)
    }
    let all = plan.subtrees.indices.map { rank in
      plan.subtrees[rank].indices.map { arena(rank, $0) }
    }
    partials = all[rank]
    folded = arena(0, plan.subtrees[0].count)
    operands = all.joined().map { FoldOperand(base: UnsafePointer($0.baseAddress!)) }
    progress = window.segments.map { MPISharedCounter(at: $0.baseAddress!) }
    failures = window.segments.map { MPISharedCounter(at: $0.baseAddress! + 64) }
    spins = window.communicator.size > ProcessorCount.available ? 0 : 2000
  }

  deinit { lease.isUsed = false }

  func combine(_ visit: (Int) throws -> Void) throws {
    try meet()
    do {
      for index in plan.blockSlices[rank] {
        executor.combine(plan.blocks[index], of: operands, into: folded.baseAddress!)
        try visit(index)
      }
    } catch {
      failures[rank].advance(to: 1)
      throw error
    }
  }

  func gather() throws { try meet() }

  /// Returns when all ranks have come equally far; what they wrote before is visible then.
  private func meet() throws {
    phase += 1
    progress[rank].advance(to: phase)
    for peer in progress.indices {
      let arrived = progress[peer].wait(atLeast: phase, spins: spins) {
        failures.contains { $0.value != 0 }
      }
      guard arrived else {
        throw PeerFailure(rank: failures.firstIndex { $0.value != 0 } ?? peer)
      }
    }
  }
}
