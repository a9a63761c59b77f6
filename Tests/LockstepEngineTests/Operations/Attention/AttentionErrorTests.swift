import LockstepEngine
import Testing

/// What attention and positions say about inputs that do not fit.
@Suite struct AttentionErrorTests {
  private func message(_ build: (Graph) -> Void) -> String? {
    let graph = Graph(batchCount: 2, training: true)
    build(graph)
    do throws(GraphError) {
      try graph.check()
      return nil
    } catch { return error.description }
  }

  @Test func attention() {
    func packed(_ shape: [Int], heads: Int = 2, rate: Float = 0) -> String? {
      message { _ = $0.input("x", shape).selfAttention(heads: heads, dropoutRate: rate) }
    }
    #expect(packed([2, 5, 12]) == nil)
    #expect(
      packed([2, 5, 8])
        == "attention: queries, keys and values do not share the 8 values of a row of [2, 5, 8]")
    #expect(packed([2, 5, 9]) == "attention: 2 heads do not divide the width 3")
    #expect(packed([2, 5, 12], heads: 0) == "attention: 0 heads do not divide the width 4")
    #expect(packed([2, 12]) == "attention: expects an input [N, T, width], got [2, 12]")
    #expect(
      packed([2, 5, 12], rate: 1.5) == "attention: the rate must be in 0..<1, got 1.5")
    #expect(
      packed([2, 1 << 17, 12], rate: 0.5)
        == "attention: dropout of more than 2³⁴ probabilities of an example, got 34359738368")
    #expect(
      message {
        _ = $0.input("q", [2, 5, 4]).attention(
          keys: $0.input("k", [2, 3, 4]), values: $0.input("v", [2, 4, 4]), heads: 2)
      } == "attention: expects keys and values [2, S, 4], got [2, 3, 4] and [2, 4, 4]")
    #expect(
      message {
        _ = $0.input("x", [2, 5, 12]).selfAttention(
          heads: 2, lengths: $0.input("lengths", [3], .int32))
      } == "attention: expects lengths [2] of Int32, got [3] of int32")
  }

  @Test func positions() {
    #expect(
      message { _ = $0.input("x", [2, 5, 3]).addingSinusoidalPositions() }
        == "sinusoidal positions: the width must be even, got 3")
    #expect(
      message { _ = $0.input("x", [2, 5, 6]).rotated(headWidth: 3) }
        == "rotary positions: a head's width must be even and positive, got 3")
    #expect(
      message { _ = $0.input("x", [2, 5, 6]).rotated(headWidth: 4) }
        == "rotary positions: 6 values are no whole heads of 4 in a row of [2, 5, 6]")
    #expect(
      message { _ = $0.input("x", [2, 5, 6]).rotated(headWidth: 2, base: 0) }
        == "rotary positions: the base must be positive, got 0.0")
  }

  @Test("dropout of attention is there in training alone")
  func evaluation() {
    for training in [true, false] {
      let graph = Graph(batchCount: 2, training: training)
      _ = graph.input("x", [2, 5, 12]).selfAttention(heads: 2, dropoutRate: 0.5, dropoutKey: 3)
      #expect((graph.nodes.last?.operation as? Attention)?.dropout?.key == (training ? 3 : nil))
    }
  }
}
