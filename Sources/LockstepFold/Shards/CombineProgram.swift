/// The additions that make a tree's root from the subtrees at its bottom, in an order that needs
/// the fewest intermediate blocks.
///
/// Which two nodes are added, and which is left and which right, is the tree's; only the order in
/// which independent additions run is chosen here, by Sethi and Ullman's rule (the side that needs
/// more registers first; "The Generation of Optimal Code for Arithmetic Expressions", JACM 1970).
package struct CombineProgram: Sendable, Equatable {
  /// A summand.
  package enum Operand: Sendable, Equatable {
    /// A leaf, by its position in shard order.
    case partial(Int)
    /// The value of a register: 0 is the result, n > 0 the scratch block n − 1.
    case register(Int)
  }

  /// `register = left + right`, a node of a level of the tree.
  package struct Addition: Sendable, Equatable {
    /// The left summand, of the lower shards.
    package let left: Operand
    /// The right summand, of the upper shards.
    package let right: Operand
    /// Where the sum is put: 0 is the result, n > 0 the scratch block n − 1.
    package let register: Int
    /// The sum's level in the tree: log2 of the number of shards covered.
    package let level: Int
  }

  /// The additions, in an order that respects the tree; the last one writes register 0. Empty where
  /// the one leaf is the root.
  package let additions: [Addition]
  /// The number of scratch blocks the additions need beside the result.
  package let scratchCount: Int
  /// The number of leaves.
  package let leafCount: Int

  /// The program for leaves that tile an aligned node of the tree, in shard order.
  package init(leaves: [Subtree]) {
    let shards = leaves.first!.shards.lowerBound..<leaves.last!.shards.upperBound
    var builder = Builder(leaves: leaves)
    let root = builder.node(over: shards)
    _ = builder.emit(root, into: 0)
    additions = builder.additions
    scratchCount = max(root.registers - 1, 0)
    leafCount = leaves.count
  }

  private indirect enum Node {
    case leaf(Int)
    case sum(Node, Node, registers: Int, level: Int)

    var registers: Int {
      switch self {
      case .leaf: return 0
      case .sum(_, _, let registers, _): return registers
      }
    }
  }

  private struct Builder {
    let leaves: [Subtree]
    var next = 0
    var additions: [Addition] = []

    init(leaves: [Subtree]) { self.leaves = leaves }

    /// The tree over an aligned range of shards; takes leaves from left to right.
    mutating func node(over shards: Range<Int>) -> Node {
      if leaves[next].shards == shards {
        next += 1
        return .leaf(next - 1)
      }
      let middle = shards.lowerBound + shards.count / 2
      let left = node(over: shards.lowerBound..<middle)
      let right = node(over: middle..<shards.upperBound)
      let registers =
        left.registers == right.registers
        ? left.registers + 1 : max(left.registers, right.registers)
      return .sum(
        left, right, registers: registers, level: shards.count.trailingZeroBitCount)
    }

    /// Appends the additions that leave the node in `register`, using that and higher ones.
    mutating func emit(_ node: Node, into register: Int) -> Operand {
      switch node {
      case .leaf(let index):
        return .partial(index)
      case .sum(let left, let right, _, let level):
        let a: Operand
        let b: Operand
        if left.registers >= right.registers {
          a = emit(left, into: register)
          b = emit(right, into: register + 1)
        } else {
          b = emit(right, into: register)
          a = emit(left, into: register + 1)
        }
        additions.append(Addition(left: a, right: b, register: register, level: level))
        return .register(register)
      }
    }
  }
}
