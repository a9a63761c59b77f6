import LockstepObservation
import LockstepFold
import LockstepEngine
import LockstepMPI

/// The factors of batches of one size on their way between nodes: each rank's go to one rank of every
/// other node, its delegate, which lays them where the node's ranks read them.
///
/// A factor goes as soon as it is there, an x before the product that it goes into. Nobody waits for
/// the other ranks of its node to send.
final class SufficientFactorMessages {
  private let products: SufficientFactorProducts
  /// This rank's own, in the order of ``SufficientFactors/travelling``.
  private let outgoing: [MessageBucket]
  /// Those of other nodes' ranks, in the same order.
  private let incoming: [MessageBucket]
  private let factors: [SufficientFactors.Factor]
  /// The ranks that they are received from.
  private let sources: [Source]

  private struct Source {
    let examples: Range<Int>
    let rows: Arena<Float>
  }

  /// - Parameters:
  ///   - number: what the first factor is called among the buckets of a step.
  ///   - tag: of its messages.
  init(
    _ products: SufficientFactorProducts, _ plan: FoldPlan, _ group: NodeGroup, number: Int,
    tag: Int,
    on communicator: MPICommunicator, page: StatusPage?
  ) throws {
    self.products = products
    let (factors, known) = (products.factors.travelling, products.factors)
    self.factors = factors
    sources = group.peers.map { peer in
      let examples = known.examples(of: plan.shardRuns[peer])
      return Source(
        examples: examples, rows: Arena(count: examples.count * known.valuesPerExample))
    }
    func bucket(
      _ index: Int, sends: Bool,
      _ ends: [(peer: Int, examples: Int, base: UnsafeMutablePointer<Float>, owner: AnyObject)]
    ) throws -> MessageBucket {
      let bucket = MessageBucket(
        BucketPart(number: number + index, blocks: 0..<0, values: 0..<0), sends: sends,
        on: communicator, page: page)
      for end in ends {
        let range = known.range(of: factors[index], examples: end.examples)!
        try bucket.add(
          WireSlice(range, of: end.base, owner: end.owner, packed: nil), with: end.peer,
          tag: tag + index)
      }
      return bucket
    }
    guard let outbox = products.outbox else { preconditionFailure("factors that do not travel") }
    let own = known.examples(of: plan.shardRuns[group.rank]).count
    outgoing = try factors.indices.map { index in
      try bucket(index, sends: true, group.delegates.map { ($0, own, outbox.base, outbox) })
    }
    incoming = try factors.indices.map { [sources] index in
      try bucket(
        index, sends: false,
        zip(group.peers, sources).map { ($0, $1.examples.count, $1.rows.base, $1.rows) })
    }
  }

  /// Gets ready to receive.
  func open() throws { for bucket in incoming { try bucket.start() } }

  /// Sends a factor, which is complete, if it travels.
  func send(_ factor: SufficientFactors.Factor) throws {
    guard let index = factors.firstIndex(of: factor) else { return }
    try outgoing[index].start()
  }

  /// Starts what has not been started, as it is; whether something is under way then.
  func startAll() throws -> Bool {
    for bucket in outgoing { try bucket.start() }
    var pending = false
    for bucket in outgoing where try bucket.progress() { pending = true }
    for bucket in incoming where try bucket.progress() { pending = true }
    return pending
  }

  /// Lets MPI go on with all messages, by a look at the first that is under way; whether there is one.
  func progress() throws -> Bool {
    for bucket in incoming where try bucket.progress() { return true }
    for bucket in outgoing where try bucket.progress() { return true }
    return false
  }

  /// Waits for the other nodes' factors of one product, and lays them.
  ///
  /// - Parameter page: where waits are seen.
  func receive(slot: Int, page: StatusPage?) throws {
    for index in factors.indices where factors[index].slot == slot {
      if try incoming[index].progress() {
        try page.waiting(isMeeting: false) {
          try incoming[index].wait { page?.own.awaits($0) }
        }
      }
      for source in sources {
        let range = products.factors.range(of: factors[index], examples: source.examples.count)!
        products.factors.lay(
          factors[index], source.rows.base + range.lowerBound, source.examples, into: products.base)
      }
    }
  }

  /// Waits for what is under way.
  func wait(stillWaiting: (_ peer: Int) -> Void) throws {
    for bucket in incoming { try bucket.wait(stillWaiting: stillWaiting) }
    for bucket in outgoing { try bucket.wait(stillWaiting: stillWaiting) }
  }

  func reset() {
    for bucket in incoming { bucket.reset() }
    for bucket in outgoing { bucket.reset() }
  }
}
