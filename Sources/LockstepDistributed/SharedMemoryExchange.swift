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
///
/// What is made of factors does not wait for the first meeting (``ProductQueue``), but for the factors of
/// all ranks, which belong to step k + 1 as well.
final class SharedMemoryExchange: FactorExchange {
  private var products: FactorProducts?
  private var runs: [FactorProducts.Run] = []
  /// How the ranks share the products of the batch out; nil where there are none, or one rank.
  private var queue: ProductQueue?
  /// Those of all products that were ever used, which are the same on all ranks.
  private var queues: [ObjectIdentifier: ProductQueue] = [:]
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

  func use(_ products: FactorProducts?) throws {
    guard products !== self.products else { return }
    self.products = products
    runs = products?.runs(of: plan.blockSlices[rank]) ?? []
    queue = try products.flatMap(queue(for:))
  }

  private func queue(for products: FactorProducts) throws -> ProductQueue? {
    guard arenas.ranks.count > 1 else { return nil }
    if let known = queues[ObjectIdentifier(products)] { return known }
    let made = try ProductQueue(products, plan, arenas, makeArena)
    queues[ObjectIdentifier(products)] = made
    return made
  }

  var listens: Bool { queue != nil }

  func ready(_ factor: GradientFactors.Factor) { queue?.ready(factor) }

  func abandon() { queue?.reset() }

  var piecesTaken: Int { queues.values.reduce(0) { $0 + $1.taken } }

  func combine(_ visit: (Int) throws -> Void) throws {
    if let queue { try arenas.alone { try queue.run(into: folded.baseAddress!, visit) } }
    try arenas.meet()
    try arenas.alone {
      guard let products else { return try add(plan.blockSlices[rank], visit) }
      for run in runs {
        if !run.isProduct {
          try add(run.blocks, visit)
        } else if queue == nil {
          try products.make(run, into: folded.baseAddress!, visit)
        }
      }
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
