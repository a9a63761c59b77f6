import LockstepEngine
import LockstepTestSupport
import Testing

@Suite struct TopCountTests {
  private func count(_ x: HostTensor, _ labels: [Double], largest: Int) throws -> [Double] {
    let graph = Graph(batchCount: x.shape[0], training: false)
    let logits = graph.input("x", x.shape)
    let found = logits.topCount(
      labels: graph.input("labels", [x.shape[0]], .int32), largest: largest)
    let leaves = ReferenceEvaluator.Leaves(
      inputs: ["x": x, "labels": HostTensor([labels.count], labels)])
    let reference = try ReferenceEvaluator(graph).evaluate([found], leaves)[0].values[0]
    let program = try Program(evaluating: graph, scalars: [found], outputs: [logits])
    let (lane, memory) = try lane(running: program, leaves)
    try lane.run(RunContext(seed: 1, step: 0, firstExample: 0))
    let planned = Double(lane.scalar(0, shard: 0))
    withExtendedLifetime(memory) {}
    return [reference, planned]
  }

  @Test("the plan counts what the reference counts, ties included", arguments: [1, 2, 3, 5, 9])
  func planned(_ largest: Int) throws {
    var random = CounterGenerator(seed: 4, .synthesis)
    // Few different values, so that many are equal.
    let x = HostTensor([50, 5], (0..<250).map { _ in (random.nextUniform() * 6).rounded() })
    let labels = (0..<50).map { Double($0 % 5) }
    let counts = try count(x, labels, largest: largest)
    #expect(counts[0] == counts[1])
    #expect(largest >= 5 ? counts[0] == 50 : counts[0] > 0 && counts[0] < 50)
  }

  @Test("of equal logits the first count")
  func ties() throws {
    let x = HostTensor([3, 4], repeating: 1)
    #expect(try count(x, [0, 1, 3], largest: 1) == [1, 1])
    #expect(try count(x, [0, 1, 3], largest: 2) == [2, 2])
  }

  @Test("what does not fit is refused")
  func misuse() {
    let graph = Graph(batchCount: 2, training: false)
    _ = graph.input("x", [2, 3]).topCount(labels: graph.input("y", [2], .int32), largest: 0)
    #expect(throws: GraphError.self) { try graph.check() }
  }
}
