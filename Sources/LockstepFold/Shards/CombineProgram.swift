/// The additions that make a tree's root from the subtrees at its bottom, in an order that needs
/// the fewest intermediate blocks.
///
/// Which two nodes are added, and which is left and which right, is the tree's (``TreeOrder``); only
/// the order in which independent additions run is chosen here, by Sethi and Ullman's rule (the side
/// that needs more registers first; "The Generation of Optimal Code for Arithmetic Expressions", JACM
/// 1970).
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
    var nodes = leaves.indices.map(Node.leaf)
    for addition in TreeOrder(above: leaves).additions {
      nodes[addition.left] = Node(nodes[addition.left], nodes[addition.right], addition.level)
    }
    let root = nodes[0]
    var builder = Builder()
    _ = builder.emit(root, into: 0)
    additions = builder.additions
    scratchCount = max(root.registers - 1, 0)
    leafCount = leaves.count
  }

  private indirect enum Node {
    case leaf(Int)
    case sum(Node, Node, registers: Int, level: Int)

    /// A sum, and the registers that it needs.
    init(_ left: Node, _ right: Node, _ level: Int) {
      let (a, b) = (left.registers, right.registers)
      self = .sum(left, right, registers: a == b ? a + 1 : max(a, b), level: level)
    }

    var registers: Int {
      switch self {
      case .leaf: return 0
      case .sum(_, _, let registers, _): return registers
      }
    }
  }

  private struct Builder {
    var additions: [Addition] = []

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
