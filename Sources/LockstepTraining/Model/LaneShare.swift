import LockstepFold
import LockstepEngine

/// One thread's part of a rank's shards: a contiguous run, added up to its maximal subtrees in
/// arenas of the thread's own.
///
/// Threads cut a rank's run as ranks cut all shards, so the additions are those of the tree.
final class LaneShare {
  let shards: Range<Int>
  let subtrees: [FoldPlan.Subtree]
  let partials: [UnsafeMutableBufferPointer<Float>]
  let accumulator: ShardAccumulator
  private let arenas: [Arena<Float>]

  /// - Parameters:
  ///   - shards: the run.
  ///   - count: the length of a leaf.
  ///   - rounding: which sums are rounded.
  init(_ shards: Range<Int>, count: Int, _ rounding: FoldRounding?) {
    self.shards = shards
    subtrees = FoldPlan.Subtree.maximal(in: shards)
    arenas = subtrees.map { _ in Arena(count: count) }
    partials = arenas.map(\.buffer)
    accumulator = ShardAccumulator(subtrees, count: count, rounding)
  }
}

/// A rank's shards cut over its threads, and the additions that join the threads' sums.
final class ThreadedFold {
  let shards: Range<Int>
  let shares: [LaneShare]
  /// The sums of the rank's subtrees, of the leaf's length.
  let partials: [UnsafeMutableBufferPointer<Float>]
  /// Which sums are rounded.
  let rounding: FoldRounding?

  private let count: Int
  /// The blocks that each thread joins.
  private let blockRuns: [Range<Int>]
  private let joins: [Join]
  private let arenas: [Arena<Float>]

  private struct Join {
    let operands: [FoldOperand]
    /// One executor a thread.
    let executors: [FoldExecutor]
  }

  /// - Parameters:
  ///   - shards: the rank's run.
  ///   - subtrees: its maximal subtrees.
  ///   - threads: the number of threads.
  ///   - count: the length of a leaf.
  ///   - parts: how many shares there are; one a thread if nil.
  ///   - rounding: which sums are rounded.
  init(
    shards: Range<Int>, subtrees: [FoldPlan.Subtree], threads: Int, count: Int, parts: Int? = nil,
    rounding: FoldRounding?
  ) {
    self.count = count
    self.rounding = rounding
    self.shards = shards
    blockRuns = FoldPlan.runs(
      of: (count + FlatLayout.blockSize - 1) / FlatLayout.blockSize, over: threads)
    let shares = FoldPlan.runs(of: shards.count, over: parts ?? threads).map { run in
      LaneShare(
        run.lowerBound + shards.lowerBound..<run.upperBound + shards.lowerBound, count: count,
        rounding)
    }
    self.shares = shares
    arenas = subtrees.map { _ in Arena(count: count) }
    partials = arenas.map(\.buffer)
    let leaves = shares.flatMap { zip($0.subtrees, $0.partials) }
    joins = subtrees.map { subtree in
      let inside = leaves.filter { subtree.shards.contains($0.0.shards.lowerBound) }
      let program = CombineProgram(leaves: inside.map(\.0))
      return Join(
        operands: inside.map { FoldOperand(base: UnsafePointer($0.1.baseAddress!)) },
        executors: (0..<threads).map { _ in FoldExecutor(program, rounding) })
    }
  }

  /// Joins a thread's part of all arenas into `destinations`, one a subtree.
  func join(thread: Int, into destinations: [UnsafeMutableBufferPointer<Float>]) {
    for (join, destination) in zip(joins, destinations) {
      for index in blockRuns[thread] {
        let start = index * FlatLayout.blockSize
        let block = Block(slot: 0, offset: start, count: min(FlatLayout.blockSize, count - start))
        join.operands.withUnsafeBufferPointer {
          join.executors[thread].combine(block, of: $0, into: destination.baseAddress!)
        }
      }
    }
  }
}
