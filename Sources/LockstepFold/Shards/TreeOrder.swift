/// The order of a fixed binary tree's additions: what is added to what, wherever a tree over shard numbers
/// is walked.
///
/// The tree over a number of leaves is that over the next power of two, with the missing leaves left out;
/// each inner node is its left half plus its right one. It depends on the number of leaves alone. Where
/// nodes of the tree have been added up already, by ranks or threads, they stand for their leaves, and the
/// additions that are left are those above them. So each addition happens exactly once, with the same
/// operands, however the leaves are cut.
package struct TreeOrder: Sendable, Equatable {
  /// One addition, in place: the sum takes the left summand's place.
  package struct Addition: Sendable, Equatable {
    /// The position of the left summand's first node, which is where it lies.
    package let left: Int
    /// The position of the right summand's first node.
    package let right: Int
    /// The sum's level in the tree: log2 of the number of shards that it covers.
    package let level: Int
  }

  /// The number of nodes at the bottom.
  package let count: Int
  /// The additions, each behind those that make its operands; the last one leaves the root in place 0.
  package let additions: [Addition]

  /// The tree over nodes that tile an aligned node of it, or its beginning.
  ///
  /// - Parameter nodes: the nodes, in shard order.
  package init(above nodes: [Subtree]) {
    count = nodes.count
    guard let start = nodes.first?.shards.lowerBound, let end = nodes.last?.shards.upperBound else {
      additions = []
      return
    }
    var level = 0
    while start + 1 << level < end { level += 1 }
    var walk = Walk(nodes: nodes)
    _ = walk.node(Subtree(level: level, index: start >> level))
    precondition(walk.next == nodes.count, "nodes that tile no node of the tree")
    additions = walk.additions
  }

  /// The tree over so many leaves.
  package init(leaves: Int) { self.init(above: (0..<leaves).map { Subtree(level: 0, index: $0) }) }

  private struct Walk {
    let nodes: [Subtree]
    var next = 0
    var additions: [Addition] = []

    /// Takes the nodes below a node from left to right; returns where its sum lies, nil where there is
    /// nothing below it.
    mutating func node(_ node: Subtree) -> Int? {
      guard next < nodes.count else { return nil }
      if nodes[next] == node {
        next += 1
        return next - 1
      }
      precondition(node.level > 0, "nodes that tile no node of the tree")
      let left = self.node(Subtree(level: node.level - 1, index: 2 * node.index))
      let right = self.node(Subtree(level: node.level - 1, index: 2 * node.index + 1))
      guard let left, let right else { return left }
      additions.append(Addition(left: left, right: right, level: node.level))
      return left
    }
  }
}

extension TreeOrder {
  /// Adds rows of numbers in place; the sums over all of them are the first row afterwards.
  ///
  /// - Parameters:
  ///   - rows: ``count`` rows, one behind the other.
  ///   - width: the numbers of a row.
  package func fold(_ rows: UnsafeMutableBufferPointer<Double>, width: Int) {
    precondition(rows.count >= count * width, "a row for each leaf")
    for addition in additions {
      for column in 0..<width {
        rows[addition.left * width + column] += rows[addition.right * width + column]
      }
    }
  }

  // MARK: A binary counter

  // A tree whose leaves come one after the other is walked as a binary counter counts: a sum waits in a
  // register for each one-bit of the number of leaves so far, those of most leaves first.

  /// The register that a leaf is written to: as many sums wait as the number of leaves before it has
  /// one-bits.
  package static func register(ofLeaf leaf: Int) -> Int { leaf.nonzeroBitCount }

  /// How many additions follow a leaf, each of a register to the one before it: of levels 1, 2, ….
  package static func carries(afterLeaf leaf: Int) -> Int { (~leaf).trailingZeroBitCount }
}
