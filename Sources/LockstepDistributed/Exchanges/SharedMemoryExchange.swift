import LockstepCollective
import LockstepFold
import LockstepEngine
import LockstepMPI

/// Gradients in one node's shared window: the owner of a slice reads its peers' partials in place,
/// and all ranks read one folded arena.
///
/// All ranks meet twice a step: "my partials are complete" and "my slice is folded", which makes
/// both reuses safe:
///
/// - Partials of step k + 1 are written after gather(k), so after every rank has folded its slice
///   of step k and reads no partials of it any more.
/// - Slices of step k + 1 are written after every rank has come to combine(k + 1), so after every
///   rank has finished reading the folded arena of step k.
final class SharedMemoryExchange: InPlaceExchange {
  let arenas: SharedArenas
  private let plan: FoldPlan
  private let rank: Int
  private let executor: FoldExecutor

  var partials: [UnsafeMutableBufferPointer<Float>] { arenas.partials }
  var folded: UnsafeMutableBufferPointer<Float> { arenas.folded }

  init(_ plan: FoldPlan, rank: Int, _ arenas: SharedArenas) {
    self.plan = plan
    self.rank = rank
    self.arenas = arenas
    executor = FoldExecutor(plan)
  }

  func meet() throws { try arenas.meet() }

  func alone(_ body: () throws -> Void) throws { try arenas.alone(body) }

  func combine(_ visit: (Int) throws -> Void) throws {
    try arenas.meet()
    try arenas.alone { try add(plan.blockSlices[rank], visit) }
  }

  func add(_ run: Range<Int>, _ visit: (Int) throws -> Void) throws {
    let (operands, result) = (arenas.operands, folded.baseAddress!)
    try plan.blocks.withUnsafeBufferPointer { blocks in
      try operands.withUnsafeBufferPointer { operands in
        for index in run {
          executor.combine(blocks[index], of: operands, into: result)
          try visit(index)
        }
      }
    }
  }

  func gather(_ contents: FoldedContents) throws { try arenas.meet() }
}
