import LockstepEngine
import LockstepFold
import LockstepTrainingTestSupport
import Testing

/// Sums are written as text here, so that two are the same only if every addition has the same operands
/// on the same sides.
@Suite struct TreeOrderTests {
  /// The tree by its definition: the left half plus the right one, missing leaves left out.
  static func sum(_ shards: Range<Int>, of count: Int) -> String? {
    if shards.lowerBound >= count { return nil }
    if shards.count == 1 { return "\(shards.lowerBound)" }
    let middle = shards.lowerBound + shards.count / 2
    let left = sum(shards.lowerBound..<middle, of: count)!
    guard let right = sum(middle..<shards.upperBound, of: count) else { return left }
    return "(\(left)+\(right))"
  }

  static func sum(of count: Int) -> String {
    var width = 1
    while width < count { width *= 2 }
    return sum(0..<width, of: count)!
  }

  /// Does the additions on texts; each place is given up by the addition that takes it.
  static func root(_ order: TreeOrder, over leaves: [String]) throws -> String {
    var places: [String?] = leaves
    for addition in order.additions {
      let left = try #require(places[addition.left], "a sum that has been taken")
      let right = try #require(places[addition.right], "a sum that has been taken")
      places[addition.left] = "(\(left)+\(right))"
      places[addition.right] = nil
    }
    #expect(places.compactMap { $0 }.count == 1, "all leaves are in one sum")
    return try #require(places[0])
  }

  /// The sum of a subtree as its rank makes it.
  static func partial(_ subtree: Subtree) throws -> String {
    try root(TreeOrder(leaves: subtree.shards.count), over: subtree.shards.map(String.init))
  }

  @Test func theTreeIsHalvesOfHalves() throws {
    for count in 1...70 {
      let order = TreeOrder(leaves: count)
      #expect(order.count == count)
      #expect(order.additions.count == count - 1)
      #expect(
        try Self.root(order, over: (0..<count).map(String.init)) == Self.sum(of: count),
        "\(count) leaves")
    }
    #expect(TreeOrder(leaves: 0).additions.isEmpty)
  }

  /// The law that makes bits independent of P: additions inside of ranks and those above them are those
  /// of the one tree, each once.
  @Test(arguments: foldSizes)
  func everyCutHasTheSameAdditions(shards: Int, ranks: Int) throws {
    let plan = try FoldPlan(shards: shards, ranks: ranks, layout: FoldPlanTests.layout)
    let nodes = plan.subtrees.flatMap { $0 }
    let above = TreeOrder(above: nodes)
    let inside = nodes.map { TreeOrder(leaves: $0.shards.count).additions.count }
    #expect(inside.reduce(0, +) + above.additions.count == shards - 1)
    #expect(try Self.root(above, over: nodes.map(Self.partial)) == Self.sum(of: shards))
  }

  /// Ranks cut their shards over threads once more.
  @Test func cutsOfCutsHaveTheSameAdditions() throws {
    for (threads, run) in [(2, 0..<6), (3, 4..<16), (5, 3..<14)] {
      for subtree in Subtree.maximal(in: run) {
        let parts = FoldPlan.runs(of: run.count, over: threads).flatMap {
          Subtree.maximal(in: run.lowerBound + $0.lowerBound..<run.lowerBound + $0.upperBound)
        }.filter { subtree.shards.contains($0.shards.lowerBound) }
        #expect(
          try Self.root(TreeOrder(above: parts), over: parts.map(Self.partial))
            == Self.partial(subtree))
      }
    }
  }

  @Test func levelsAreThoseOfTheTree() {
    let order = TreeOrder(above: [.init(level: 1, index: 0), .init(level: 1, index: 1)])
    #expect(order.additions.map(\.left) == [0] && order.additions.map(\.right) == [1])
    #expect(order.additions.map(\.level) == [2])
    for addition in TreeOrder(leaves: 37).additions {
      #expect(addition.left % (1 << addition.level) == 0)
      #expect(addition.right == addition.left + 1 << (addition.level - 1))
    }
  }

  @Test func aBinaryCounterWalksTheSameTree() {
    for level in 0..<7 {
      let count = 1 << level
      var registers: [String] = []
      for leaf in 0..<count {
        #expect(TreeOrder.register(ofLeaf: leaf) == registers.count)
        registers.append("\(leaf)")
        for _ in 0..<TreeOrder.carries(afterLeaf: leaf) where registers.count > 1 {
          let right = registers.removeLast()
          registers.append("(\(registers.removeLast())+\(right))")
        }
      }
      #expect(registers == [Self.sum(of: count)])
    }
  }

  /// A program may run independent additions in another order, on the same operands.
  @Test(arguments: foldSizes)
  func programsMakeTheSameAdditions(shards: Int, ranks: Int) throws {
    let plan = try FoldPlan(shards: shards, ranks: ranks, layout: FoldPlanTests.layout)
    let partials = try plan.subtrees.flatMap { $0 }.map(Self.partial)
    var registers = [String](repeating: "", count: plan.program.scratchCount + 1)
    func value(_ operand: CombineProgram.Operand) -> String {
      switch operand {
      case .partial(let index): partials[index]
      case .register(let index): registers[index]
      }
    }
    for addition in plan.program.additions {
      registers[addition.register] = "(\(value(addition.left))+\(value(addition.right)))"
    }
    let root = plan.program.additions.isEmpty ? partials[0] : registers[0]
    #expect(root == Self.sum(of: shards))
    #expect(
      plan.program.additions.map(\.level).sorted()
        == TreeOrder(above: plan.subtrees.flatMap { $0 }).additions.map(\.level).sorted())
  }

  @Test func rowsAreFoldedColumnByColumn() {
    // Sums in another order have other bits.
    func value(_ row: Int, _ column: Int) -> Double {
      let exponent = (row * 7 + column * 3) % 9
      return Double(row * 31 + column + 1) / 3
        * Double(sign: .plus, exponent: 12 * exponent, significand: 1)
    }
    func sum(_ rows: Range<Int>, _ column: Int, of count: Int) -> Double? {
      if rows.lowerBound >= count { return nil }
      if rows.count == 1 { return value(rows.lowerBound, column) }
      let middle = rows.lowerBound + rows.count / 2
      let left = sum(rows.lowerBound..<middle, column, of: count)!
      return sum(middle..<rows.upperBound, column, of: count).map { left + $0 } ?? left
    }
    var differs = false
    for count in [1, 2, 3, 8, 13, 64, 100] {
      let rows = Arena<Double>(count: count * 2)
      for row in 0..<count {
        for column in 0..<2 { rows.buffer[row * 2 + column] = value(row, column) }
      }
      TreeOrder(leaves: count).fold(rows.buffer, width: 2)
      for column in 0..<2 {
        let folded = rows.buffer[column]
        #expect(folded == sum(0..<128, column, of: count))
        if folded != (0..<count).reduce(0, { $0 + value($1, column) }) { differs = true }
      }
    }
    #expect(differs, "values whose order does not matter prove nothing")
  }
}
