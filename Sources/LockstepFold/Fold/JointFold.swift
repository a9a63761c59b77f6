import LockstepCollective
import LockstepEngine

/// Folds vectors of all shards while the shards are being computed, by the tree over shard numbers: where
/// an operation sees all of them.
///
/// Each rank adds up the maximal subtrees that it owns and all ranks combine these in tree order, so that
/// the result has the same bits on all ranks, whatever their number.
package final class JointFold {
  /// What is folded, in order.
  let synchronizations: [SynchronizationPoint]
  /// This rank's shards.
  package let shards: Range<Int>
  /// For each of this rank's shards how many folds of the batch it took part in before its own vector was
  /// not finite; `Int.max` where all were.
  package private(set) var firstNotFinite: [Int]

  private let collective: any Collective
  private let width: Int
  private let subtrees: [OwnSubtree]
  /// The additions of all ranks' partials.
  private let order: TreeOrder
  /// Which rank each partial is of.
  private let ranks: [Int]
  /// The bytes of each rank, for each synchronization.
  private let counts: [[Int]]
  private let vectors: Arena<Double>
  private let sent: Arena<Double>
  private let received: Arena<Double>
  private var folds = 0

  /// One of this rank's subtrees: its first shard's position among the rank's, and its additions.
  private struct OwnSubtree {
    let first: Int
    let order: TreeOrder
  }

  /// - Parameters:
  ///   - plan: who computes which shards.
  ///   - synchronizations: what is folded for each micro-batch.
  package init(
    _ plan: FoldPlan, _ synchronizations: [SynchronizationPoint], on collective: any Collective
  ) {
    self.synchronizations = synchronizations
    self.collective = collective
    let own = plan.shardRuns[collective.rank]
    shards = own
    width = synchronizations.map(\.count).max() ?? 0
    subtrees = plan.subtrees[collective.rank].map { subtree in
      OwnSubtree(
        first: subtree.shards.lowerBound - own.lowerBound,
        order: TreeOrder(leaves: subtree.shards.count))
    }
    order = TreeOrder(above: plan.subtrees.flatMap { $0 })
    ranks = plan.subtrees.enumerated().flatMap { rank, subtrees in subtrees.map { _ in rank } }
    // One word of control before each rank's partials.
    counts = synchronizations.map { synchronization in
      plan.subtrees.map { (1 + $0.count * synchronization.count) * MemoryLayout<Double>.stride }
    }
    firstNotFinite = Array(repeating: .max, count: own.count)
    vectors = Arena(count: own.count * width)
    sent = Arena(count: 1 + subtrees.count * width)
    received = Arena(count: plan.ranks + ranks.count * width)
  }

  /// This rank.
  package var rank: Int { collective.rank }

  /// A batch begins.
  package func begin() {
    folds = 0
    for index in firstNotFinite.indices { firstNotFinite[index] = .max }
  }

  /// Where one of this rank's shards leaves its vector, by its position among them.
  package func vector(_ position: Int, of index: Int) -> UnsafeMutableBufferPointer<Double> {
    .init(start: vectors.base + position * width, count: synchronizations[index].count)
  }

  /// Folds the vectors of all shards. Called by all ranks.
  ///
  /// - Parameters:
  ///   - index: which of the synchronizations it is.
  ///   - failure: why this rank has no vectors; it ends the batch on all ranks.
  /// - Returns: the folded vector, until the next fold.
  /// - Throws: `failure`, and ``PeerFailure`` on the other ranks; ``GraphError`` on all ranks where nothing
  ///   can be made of the result.
  package func fold(
    _ index: Int, failure: (any Error)? = nil
  ) throws -> UnsafeBufferPointer<Double> {
    let synchronization = synchronizations[index]
    let count = synchronization.count
    sent.base[0] = failure == nil ? 0 : 1
    if failure == nil { reduce(synchronization, index) }
    let bytes = counts[index][collective.rank]
    try collective.allgather(
      UnsafeRawBufferPointer(start: sent.base, count: bytes), counts: counts[index],
      into: UnsafeMutableRawBufferPointer(
        start: received.base,
        count: (counts[index].count + ranks.count * count) * MemoryLayout<Double>.stride))
    if hasFailed(count) { try collective.throwOnAll(failure) }
    for addition in order.additions {
      synchronization.combine(
        partial(addition.left, count), with: partial(addition.right, count))
    }
    folds += 1
    let result = partial(0, count)
    try synchronization.check(result)
    return UnsafeBufferPointer(start: result, count: count)
  }

  /// Adds this rank's shards up to its subtrees.
  private func reduce(_ synchronization: SynchronizationPoint, _ index: Int) {
    for position in firstNotFinite.indices where firstNotFinite[position] == .max {
      if !vector(position, of: index).allSatisfy(\.isFinite) { firstNotFinite[position] = folds }
    }
    for (place, subtree) in subtrees.enumerated() {
      let vectors = vectors.base + subtree.first * width
      for addition in subtree.order.additions {
        synchronization.combine(
          vectors + addition.left * width, with: vectors + addition.right * width)
      }
      (sent.base + 1 + place * synchronization.count).update(
        from: vectors, count: synchronization.count)
    }
  }

  private func partial(_ index: Int, _ count: Int) -> UnsafeMutablePointer<Double> {
    received.base + ranks[index] + 1 + index * count
  }

  /// Whether a rank says that it has failed.
  private func hasFailed(_ count: Int) -> Bool {
    var (place, failed, last) = (0, false, -1)
    for rank in ranks {
      if rank != last {
        if received.base[place] != 0 { failed = true }
        place += 1
        last = rank
      }
      place += count
    }
    return failed
  }
}
