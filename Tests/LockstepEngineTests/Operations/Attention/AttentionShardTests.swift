import LockstepEngine
import LockstepTestSupport
import Testing

/// An example's attention, with its mask, is the same whatever shard it lies in.
@Suite struct AttentionShardTests {
  private static let examples = 8
  private static let shape = [9, 3 * 10]

  private static func values(_ count: Int, _ phase: Int) -> [Double] {
    (0..<count).map { index in
      let place = (Double(index + 1) * 0.754877666 + Double(phase) * 0.31)
        .truncatingRemainder(dividingBy: 1)
      return Double(Float(4 * place - 2))
    }
  }

  /// The results and the gradients by the input of some examples of the batch.
  private func run(
    _ range: Range<Int>, step: UInt64 = 3, isa: InstructionSet = .detected
  ) throws -> [[UInt32]] {
    let count = range.count
    let graph = Graph(batchCount: count, training: true)
    let x = graph.input("x", [count] + Self.shape)
    let lengths = graph.input("lengths", [count], .int32)
    let cotangent = graph.input("c", [count, 9, 10])
    let y = x.selfAttention(
      heads: 2, isCausal: true, lengths: lengths, dropoutRate: 0.3, dropoutKey: 5)
    let gradient = try #require(graph.gradients(of: (y * cotangent).sum(), by: [x])[0])
    try graph.check()
    func part(_ row: [Int], _ phase: Int) -> HostTensor {
      let size = row.reduce(1, *)
      let all = Self.values(Self.examples * size, phase)
      return HostTensor(
        [count] + row, Array(all[range.lowerBound * size..<range.upperBound * size]))
    }
    let seen = [9, 0, 1, 5, 9, 3, 8, 2].map(Double.init)
    let program = try Program(evaluating: graph, scalars: [], outputs: [y, gradient])
    let (lane, memory) = try lane(
      running: program,
      .init(
        inputs: [
          "x": part(Self.shape, 0), "c": part([9, 10], 1),
          "lengths": HostTensor([count], Array(seen[range])),
        ]), isa: isa)
    try withExtendedLifetime(memory) {
      try lane.run(RunContext(seed: 11, step: step, firstExample: 40 + range.lowerBound))
    }
    return [0, 1].map { lane.output($0).map(\.bitPattern) }
  }

  @Test("1, 2, 4 and 8 shards give the same bits", arguments: [2, 4, 8])
  func shards(_ shards: Int) throws {
    let whole = try run(0..<Self.examples)
    let size = Self.examples / shards
    let parts = try (0..<shards).map { try run($0 * size..<($0 + 1) * size) }
    for result in 0..<2 { #expect(parts.flatMap { $0[result] } == whole[result]) }
  }

  @Test("all instruction sets give the same bits")
  func instructionSets() throws {
    let best = try run(0..<Self.examples)
    for isa in InstructionSet.allCases where isa < .detected {
      #expect(try run(0..<Self.examples, isa: isa) == best)
    }
  }

  @Test("another step draws another mask")
  func steps() throws {
    #expect(try run(0..<Self.examples) != run(0..<Self.examples, step: 4))
  }

  /// Each of 2 · 64 · 64 probabilities is kept with the same chance: with equal scores and values of one, a row's
  /// result is the number of those kept, over 64 (1 − rate).
  @Test("a mask keeps as many probabilities as it should")
  func keptShare() throws {
    let graph = Graph(batchCount: 2, training: true)
    let x = graph.input("x", [2, 64, 3])
    let y = x.selfAttention(heads: 1, dropoutRate: 0.25, dropoutKey: 9)
    let program = try Program(evaluating: graph, scalars: [], outputs: [y])
    let (lane, memory) = try lane(
      running: program,
      .init(inputs: ["x": HostTensor([2, 64, 3], (0..<384).map { $0 % 3 == 2 ? 1 : 0 })]))
    try withExtendedLifetime(memory) { try lane.run(RunContext(seed: 1)) }
    let kept = lane.output(0).map { Double($0) * 64 * 0.75 }
    // Whole numbers, 6144 of 8192 in all but for five deviations of 39.
    #expect(kept.allSatisfy { abs($0 - $0.rounded()) < 1e-3 })
    let all: Double = kept.reduce(0, +)
    #expect(abs(all - 6144) < 200)
    #expect(Set(kept.map { $0.rounded() }).count > 5)
  }
}
