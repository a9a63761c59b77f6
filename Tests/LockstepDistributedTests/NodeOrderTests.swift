import LockstepDistributed
import Testing

@Suite struct NodeOrderTests {
  @Test func ranksOfANodeStandTogether() {
    // Dealt out in turn over three nodes, as many launchers do by default.
    #expect(NodeOrder.ranks(leaders: [0, 1, 2, 0, 1, 2, 0]) == [0, 3, 6, 1, 4, 2, 5])
    #expect(NodeOrder.ranks(leaders: [0, 0, 2, 2]) == [0, 1, 2, 3])
    #expect(NodeOrder.ranks(leaders: [0]) == [0])
  }

  @Test func nodesTileTheGroup() {
    #expect(NodeOrder.nodes(leaders: [0, 0, 3, 5, 5, 5]) == [0..<2, 2..<3, 3..<6])
    #expect(NodeOrder.nodes(leaders: [4]) == [0..<1])
  }
}
