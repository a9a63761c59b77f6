import LockstepEngine
import LockstepObservation
import LockstepFold
import LockstepMPI

/// How a batch travels whose gradients are made of factors: these, and buckets of all other slots.
final class SufficientFactorRoute: SideTraffic {
  let products: SufficientFactorProducts
  private let messages: SufficientFactorMessages
  private let page: StatusPage?
  let rest: PartialRoute
  /// The slots that are products, the last one first, with the runs that this rank owns, and with
  /// those of other nodes' owners that it makes for its node.
  let slots: [(slot: Int, own: [SufficientFactorProducts.Run], all: [SufficientFactorProducts.Run])]

  /// - Parameter communicator: all ranks, for these messages alone.
  init(
    _ products: SufficientFactorProducts, _ sums: PartialSums, bucketBytes: Int,
    on communicator: MPICommunicator, page: StatusPage?
  ) throws {
    self.products = products
    self.page = page
    let (plan, group) = (sums.plan, sums.group)
    let slots = Set(products.factors.slots)
    let buckets = plan.buckets(bytes: bucketBytes, without: slots)
    rest = try PartialRoute(buckets, sums, on: communicator, page: page)
    messages = try SufficientFactorMessages(
      products, plan, group, number: buckets.reduce(0) { $0 + $1.count },
      tag: PartialRoute.tags(buckets, group), on: communicator, page: page)
    let own = products.runs(of: plan.blockSlices[group.rank])
    // One run where neighbours are made by one rank.
    var joined: [Range<Int>] = []
    for blocks in (group.peers + [group.rank]).sorted().map({ plan.blockSlices[$0] }) {
      if let last = joined.last, last.upperBound == blocks.lowerBound {
        joined[joined.count - 1] = last.lowerBound..<blocks.upperBound
      } else {
        joined.append(blocks)
      }
    }
    let all = joined.flatMap(products.runs)
    self.slots = slots.sorted(by: >).map { slot in
      (slot, own.filter { $0.slot == slot }, all.filter { $0.slot == slot })
    }
  }

  /// Sends a factor, which is complete, if it travels.
  func send(_ factor: SufficientFactors.Factor) throws { try messages.send(factor) }

  func open() throws { try messages.open() }
  func startAll() throws -> Bool { try messages.startAll() }
  func progress() throws -> Bool { try messages.progress() }

  /// Makes gradients of factors, those of the last layers first, which come first.
  func make(
    into folded: UnsafeMutablePointer<Float>, isReturning: Bool, meet: () throws -> Void,
    progress: () -> Void, _ visit: (Int) throws -> Void
  ) throws {
    for product in slots {
      try messages.receive(slot: product.slot, page: page)
      // Other ranks of the node have received others.
      try meet()
      for run in isReturning ? product.all : product.own {
        try products.make(run, into: folded, progress: progress, visit)
      }
    }
  }

  func wait(stillWaiting: (_ peer: Int) -> Void) throws {
    try messages.wait(stillWaiting: stillWaiting)
  }

  func reset() { messages.reset() }
}
