import LockstepObservation
import LockstepFold
import LockstepMPI

/// How a batch travels whose gradients are made of factors: these, and buckets of all other slots.
final class FactorRoute {
  let products: FactorProducts
  let messages: FactorMessages
  let rest: PartialRoute
  /// The slots that are products, the last one first, with the runs that this rank owns, and with
  /// those of other nodes' owners that it makes for its node.
  let slots: [(slot: Int, own: [FactorProducts.Run], all: [FactorProducts.Run])]

  /// - Parameter communicator: all ranks, for these messages alone.
  init(
    _ products: FactorProducts, _ sums: PartialSums, bucketBytes: Int,
    on communicator: MPICommunicator, page: StatusPage?
  ) throws {
    self.products = products
    let (plan, group) = (sums.plan, sums.group)
    let slots = Set(products.place.factors.slots)
    let buckets = plan.buckets(bytes: bucketBytes, without: slots)
    rest = try PartialRoute(buckets, sums, on: communicator, page: page)
    messages = try FactorMessages(
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
}
