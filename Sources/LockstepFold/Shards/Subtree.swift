/// A node of the fixed binary tree over shard numbers.
package struct Subtree: Sendable, Equatable {
  /// log2 of the number of shards covered.
  package let level: Int
  /// The node's index among the nodes of its level.
  package let index: Int

  package init(level: Int, index: Int) {
    self.level = level
    self.index = index
  }

  /// The shards covered.
  package var shards: Range<Int> { (index << level)..<((index + 1) << level) }
}

extension Subtree {
  /// The fewest nodes that cover a run of shards exactly, in shard order.
  package static func maximal(in run: Range<Int>) -> [Self] {
    var nodes: [Self] = []
    var start = run.lowerBound
    while start < run.upperBound {
      // The largest aligned power of two that starts here and does not reach beyond the run.
      var level = start == 0 ? Int.bitWidth - 2 : start.trailingZeroBitCount
      while 1 << level > run.upperBound - start { level -= 1 }
      nodes.append(Self(level: level, index: start >> level))
      start += 1 << level
    }
    return nodes
  }
}
