import LockstepEngine
import LockstepMPI
import LockstepTraining

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
final class SharedMemoryExchange: FactorExchange {
  private var products: FactorProducts?
  private var runs: [FactorProducts.Run] = []
  private let arenas: SharedArenas
  private let plan: FoldPlan
  private let rank: Int
  private let executor: FoldExecutor
  private let makeArena: ArenaMaker

  var partials: [UnsafeMutableBufferPointer<Float>] { arenas.partials }
  var folded: UnsafeMutableBufferPointer<Float> { arenas.folded }

  init(_ plan: FoldPlan, rank: Int, _ arenas: SharedArenas, _ makeArena: @escaping ArenaMaker) {
    self.makeArena = makeArena
    self.plan = plan
    self.rank = rank
    self.arenas = arenas
    executor = FoldExecutor(plan)
  }

  func makeFactorArena(count: Int, otherwise consequence: String) throws -> SharedArena? {
    try makeArena(count, consequence)
  }

  func use(_ products: FactorProducts?) {
    guard products !== self.products else { return }
    self.products = products
    runs = products?.runs(of: plan.blockSlices[rank]) ?? []
  }

  func combine(_ visit: (Int) throws -> Void) throws {
    try arenas.meet()
    try arenas.alone {
      guard let products else { return try add(plan.blockSlices[rank], visit) }
      try products.make(runs, into: folded.baseAddress!, visit) { try add($0, visit) }
    }
  }

  private func add(_ run: Range<Int>, _ visit: (Int) throws -> Void) throws {
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
