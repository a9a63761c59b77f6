import LockstepEngine
import LockstepTestSupport
import Testing

/// Gradients that plans leave as factors are those that plans make.
@Suite struct SufficientFactorsTests {
  private static let shards = 4
  private static let size = 3

  /// Of 41 features: two layers whose weights are more numbers than their factors, and one whose are
  /// fewer.
  private static func program(_ count: Int) throws -> Program {
    let graph = Graph(batchCount: count, training: true)
    func linear(_ name: String, _ x: Tensor, _ outputs: Int, bias: Bool = true) -> Tensor {
      func parameter(_ part: String, _ shape: [Int]) -> Tensor {
        graph.parameter(
          ParameterSpecification(name: "\(name).\(part)", shape: shape, initializer: Zeros()))
      }
      return x.linear(
        parameter("weight", [outputs, x.shape[1]]), bias ? parameter("bias", [outputs]) : nil)
    }
    var x = graph.input("x", [count, 41])
    x = linear("first", x, 67).relu()
    x = linear("second", x, 35, bias: false).relu()
    let loss = linear("third", x, 3).softmaxCrossEntropy(
      labels: graph.input("labels", [count], .int32))
    return try Program(differentiating: loss, scalars: [loss])
  }

  private let parameters: Arena<Float>
  private let statistics = Arena<Float>(count: 0)
  private let all: Program

  init() throws {
    all = try Self.program(Self.shards * Self.size)
    parameters = Arena(count: all.parameterLayout.count)
    for slot in all.parameterLayout.slots {
      var random = CounterGenerator(seed: UInt64(slot.count), .synthesis)
      for index in slot.range { parameters.buffer[index] = Float(random.nextUniform() - 0.5) }
    }
  }

  /// The inputs of examples from the first one on.
  private static func fill(_ inputs: UnsafeMutableBufferPointer<Float>, first: Int) {
    for example in 0..<inputs.count / 41 {
      var random = CounterGenerator(seed: UInt64(first + example), .synthesis)
      for index in 0..<41 { inputs[example * 41 + index] = Float(random.nextUniform() - 0.5) }
    }
  }

  /// The leaf of a run of shards.
  private func leaf(
    _ shards: Range<Int>, leaving factors: SufficientFactors? = nil,
    at place: SufficientFactors.Place? = nil
  ) throws -> (values: [Float], plan: Plan) {
    let count = shards.count * Self.size
    let plan = try Plan(
      Self.program(count), shards: shards.count, deferring: factors,
      parameters: parameters.buffer, statistics: statistics.buffer, isa: .detected)
    try plan.packParameters()
    let lane = try Lane(plan)
    let inputs = try #require(lane.input("x")).bindMemory(to: Float.self)
    let labels = try #require(lane.input("labels")).bindMemory(to: Int32.self)
    let first = shards.lowerBound * Self.size
    Self.fill(inputs, first: first)
    for example in 0..<count { labels[example] = Int32((first + example) % 3) }
    let leaf = Arena<Float>(count: plan.leafCount)
    leaf.buffer.update(repeating: .nan)
    factors?.place = place
    try lane.run(RunContext(seed: 3, step: 8, firstExample: first), leaf: leaf.base)
    return (Array(leaf.buffer), plan)
  }

  @Test func productsOfAllShardsAreTheTreesSum() throws {
    let examples = Self.shards * Self.size
    let factors = try #require(
      SufficientFactors(all, examples: examples, shards: Self.shards, isa: .detected))
    let slots = all.leafLayout.slots
    #expect(
      zip(slots, factors.products).filter { $1 != nil }.map(\.0.name)
        == ["first.weight", "second.weight"])
    let expected = try leaf(0..<4)
    #expect(expected.plan.leafParts == [0..<expected.plan.leafCount])

    // Two ranks leave what they have, the second one first.
    let memory = Arena<Float>(count: factors.count)
    memory.buffer.update(repeating: .nan)
    func place(_ own: Range<Int>) -> SufficientFactors.Place {
      .init(base: memory.base, own: factors.examples(of: own), outbox: nil) { _ in }
    }
    let second = try leaf(2..<4, leaving: factors, at: place(2..<4))
    let first = try leaf(0..<2, leaving: factors, at: place(0..<2))
    for (slot, product) in zip(slots, factors.products) {
      guard let product else {
        for index in slot.range {
          #expect(first.values[index] + second.values[index] == expected.values[index])
        }
        #expect(first.plan.leafParts.contains { $0.contains(slot.offset) })
        continue
      }
      #expect(!first.plan.leafParts.contains { $0.overlaps(slot.range) })
      #expect(!first.plan.partsToAdd.contains { $0.overlaps(slot.range) })
      #expect(slot.range.allSatisfy { first.values[$0].isNaN }, "written by the plan")
      for cut in [0, 1, 8, 13, product.rows] {
        var made = Array(repeating: Float.nan, count: slot.count)
        made.withUnsafeMutableBufferPointer { made in
          for rows in [cut..<product.rows, 0..<cut] where !rows.isEmpty {
            factors.multiply(product, rows: rows, of: memory.base, into: made.baseAddress!)
          }
        }
        #expect(made.map(\.bitPattern) == expected.values[slot.range].map(\.bitPattern))
      }
    }
  }

  /// What a rank leaves for others is what it leaves here, once the others have laid it.
  @Test func whatTravelsIsLaidAsItWasLeft() throws {
    let factors = try #require(
      SufficientFactors(all, examples: 12, shards: 4, isa: .detected))
    // The first x is the program's input, which all ranks have.
    #expect(factors.slots == [0, 2] && factors.travelling.map(\.slot) == [0, 2, 2])
    #expect(factors.slots.map { factors.products[$0]!.input } == ["x", nil])
    #expect(factors.valuesPerExample == 67 + 67 + 35)
    #expect(factors.operations == 2 * 12 * (41 * 67 + 67 * 35))
    let near = Arena<Float>(count: factors.count)
    let far = Arena<Float>(count: factors.count)
    let input = SufficientFactors.Factor(slot: 0, kind: .inputs)
    #expect(factors.range(of: input, examples: 9) == nil)
    // One rank has the shards 1 to 3, in runs of one and of two.
    let examples = 3..<12
    let outbox = Arena<Float>(count: examples.count * factors.valuesPerExample)
    outbox.buffer.update(repeating: .nan)
    var left: [SufficientFactors.Factor] = []
    let place = SufficientFactors.Place(base: near.base, own: examples, outbox: outbox.base) {
      left.append($0)
    }
    _ = try leaf(1..<2, leaving: factors, at: place)
    #expect(left.isEmpty, "the rank has not computed all of its examples")
    _ = try leaf(2..<4, leaving: factors, at: place)
    // Each once: x on the way forwards, in order, and dy on the way back.
    #expect(
      left == [input, factors.travelling[1], factors.travelling[2], factors.travelling[0]])
    #expect(outbox.buffer.allSatisfy { !$0.isNaN }, "all is written")
    var end = 0
    for factor in factors.travelling {
      let range = try #require(factors.range(of: factor, examples: examples.count))
      #expect(range.lowerBound == end)
      end = range.upperBound
      factors.lay(factor, outbox.base + range.lowerBound, examples, into: far.base)
    }
    #expect(end == outbox.count)
    let inputs = Arena<Float>(count: examples.count * 41)
    Self.fill(inputs.buffer, first: examples.lowerBound)
    factors.lay(input, inputs.base, examples, into: far.base)
    #expect(far.buffer.map(\.bitPattern) == near.buffer.map(\.bitPattern))
  }

  @Test func whatIsNotWorthItIsNoProduct() throws {
    #expect(SufficientFactors.isWorthIt(100, 100, examples: 50, travel: false))
    #expect(!SufficientFactors.isWorthIt(100, 100, examples: 50, travel: true))
    #expect(SufficientFactors.isWorthIt(100, 100, examples: 25, travel: true))
    #expect(SufficientFactors(all, examples: 4000, shards: 4, isa: .detected) == nil)
    #expect(SufficientFactors(all, examples: 12, shards: 5, isa: .detected) == nil)
    #expect(SufficientFactors(all, examples: 40, shards: 4, isa: .detected) == nil)
    #expect(SufficientFactors(all, examples: 12, shards: 4, isa: .baseline) == nil)
  }
}
