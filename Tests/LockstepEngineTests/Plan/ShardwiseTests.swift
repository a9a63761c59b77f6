import LockstepEngine
import LockstepTestSupport
import Testing

/// A plan of several shards gives the bits of one shard after the other, added by the fold's tree.
@Suite struct ShardwiseTests {
  /// What is computed of an input [N, 4, 7].
  enum Model: String, CaseIterable {
    case perceptron, dropout, binary, squares, weighted, frozenWeight
    // None of these can be run for several shards at once.
    case sigmoid, normalized, mixedLoss, sharedWeight, penalized

    var isShardwise: Bool { Self.allCases.firstIndex(of: self)! < 6 }

    func program(_ count: Int) throws -> Program {
      let graph = Graph(batchCount: count, training: true)
      func parameter(_ name: String, _ shape: [Int], trainable: Bool = true) -> Tensor {
        graph.parameter(
          ParameterSpecification(
            name: name, shape: shape, initializer: Zeros(), trainable: trainable))
      }
      func linear(_ name: String, _ x: Tensor, _ outputs: Int, trainable: Bool = true) -> Tensor {
        x.linear(
          parameter("\(name).weight", [outputs, x.shape[1]], trainable: trainable),
          parameter("\(name).bias", [outputs]))
      }
      var x = graph.input("x", [count, 4, 7]).flattened(from: 1)
      x = linear("first", x, 19, trainable: self != .frozenWeight)
      if self == .normalized { x = x - x.mean([0], keepDimensions: true).broadcast(to: x.shape) }
      x = self == .sigmoid ? x.sigmoid() : x.relu()
      if self == .dropout { x = x.dropout(rate: 0.3, key: 5) }
      if self == .sharedWeight {
        let weight = parameter("shared", [19, 19])
        x = x.linear(weight, nil).relu().linear(weight, nil)
      } else {
        x = linear("second", x, 6).relu()
      }
      let y = linear("third", x, 3)
      let labels = graph.input("labels", [count], .int32)
      let targets = graph.input("targets", [count, 3])
      let weights = graph.input("weights", [count])
      var loss =
        switch self {
        case .binary: y.binaryCrossEntropy(targets: targets)
        case .squares: y.squaredError(targets: targets)
        case .weighted: y.softmaxCrossEntropy(labels: labels, smoothing: 0.1, weights: weights)
        default: y.softmaxCrossEntropy(labels: labels)
        }
      if self == .mixedLoss { loss = loss + y.squaredError(targets: targets) }
      if self == .penalized { loss = loss + y.square().sum() }
      let correct =
        self == .binary ? y.correctCount(targets: targets) : y.correctCount(labels: labels)
      return try Program(differentiating: loss, scalars: [loss, correct])
    }
  }

  /// The leaf and scalars of some examples that make up several shards.
  private func run(
    _ model: Model, first: Int, count: Int, shards: Int, addingTo sum: [Float]? = nil
  ) throws -> (leaf: [Float], scalars: [[Float]], plan: Plan) {
    let program = try model.program(count)
    let parameters = Arena<Float>(count: program.parameterLayout.count)
    for slot in program.parameterLayout.slots {
      var random = CounterGenerator(seed: UInt64(slot.count), .synthesis)
      for index in slot.range { parameters.buffer[index] = Float(random.nextUniform() - 0.5) }
    }
    let statistics = Arena<Float>(count: 0)
    let plan = try Plan(
      program, shards: shards, parameters: parameters.buffer, statistics: statistics.buffer,
      isa: .detected)
    try plan.packParameters()
    let lane = try Lane(plan)
    for example in 0..<count {
      var random = CounterGenerator(seed: UInt64(first + example), .synthesis)
      let pixels = (0..<28).map { _ in Float(random.nextUniform() - 0.5) }
      let targets = (0..<3).map { _ in Float(random.nextUniform().rounded()) }
      func write(_ name: String, _ values: [Float]) {
        guard let bytes = lane.input(name) else { return }
        let input = bytes.bindMemory(to: Float.self)
        for (index, value) in values.enumerated() { input[example * values.count + index] = value }
      }
      write("x", pixels)
      write("targets", targets)
      write("weights", [Float(random.nextUniform())])
      lane.input("labels")?.bindMemory(to: Int32.self)[example] = Int32((first + example) % 3)
    }
    let leaf = Arena<Float>(count: plan.leafCount)
    let target = Arena<Float>(count: plan.leafCount)
    let context = RunContext(seed: 3, step: 8, firstExample: first)
    if let sum {
      for (index, value) in sum.enumerated() { target.buffer[index] = value }
      try lane.run(context, leaf: leaf.base, addingTo: target.base)
      for part in plan.partsToAdd {
        for index in part { target.buffer[index] += leaf.buffer[index] }
      }
    } else {
      try lane.run(context, leaf: leaf.base)
    }
    let scalars = (0..<shards).map { shard in
      program.scalars.indices.map { lane.scalar($0, shard: shard) }
    }
    withExtendedLifetime((parameters, statistics)) {}
    return (Array((sum == nil ? leaf : target).buffer), scalars, plan)
  }

  @Test(arguments: Model.allCases.filter(\.isShardwise), [1, 3, 16, 33])
  func severalShardsHaveTheBitsOfTheTree(_ model: Model, size: Int) throws {
    for shards in [2, 4, 8] {
      let ones = try (0..<shards).map {
        try run(model, first: 7 + $0 * size, count: size, shards: 1)
      }
      var leaves = ones.map(\.leaf)
      while leaves.count > 1 {
        leaves = stride(from: 0, to: leaves.count, by: 2).map { index in
          zip(leaves[index], leaves[index + 1]).map { $0 + $1 }
        }
      }
      let all = try run(model, first: 7, count: shards * size, shards: shards)
      #expect(all.leaf.map(\.bitPattern) == leaves[0].map(\.bitPattern), "\(shards) shards")
      #expect(all.scalars == ones.map { $0.scalars[0] }, "\(shards) shards")
      #expect(Set(all.scalars.map { $0[0] }).count == shards, "shards that tell no difference")
      // Added to a sum of others, with one rounding.
      let before = leaves[0].indices.map { Float($0 % 13) / 7 - 1 }
      let sum = try run(model, first: 7, count: shards * size, shards: shards, addingTo: before)
      #expect(sum.leaf == zip(before, leaves[0]).map { $0 + $1 })
    }
  }

  @Test(arguments: Model.allCases)
  func whatDependsOnOtherExamplesIsRunShardByShard(_ model: Model) throws {
    #expect(try run(model, first: 0, count: 8, shards: 1).plan.isShardwise == model.isShardwise)
    if !model.isShardwise {
      #expect(throws: GraphError.self) { try run(model, first: 0, count: 8, shards: 2) }
    }
  }

  /// A weight with a row for each of as many units as there are examples is no example for that.
  @Test func weightsAreNotTakenForExamples() throws {
    let graph = Graph(batchCount: 8, training: true)
    let weight = graph.parameter(
      ParameterSpecification(name: "w", shape: [8, 4], initializer: Zeros()))
    let y = graph.input("x", [8, 4]).linear(weight.dropout(rate: 0.5, key: 1), nil)
    let loss = y.softmaxCrossEntropy(labels: graph.input("labels", [8], .int32))
    let program = try Program(differentiating: loss, scalars: [loss])
    let memory = Arena<Float>(count: program.parameterLayout.count)
    let plan = try Plan(
      program, parameters: memory.buffer, statistics: Arena<Float>(count: 0).buffer,
      isa: .detected)
    #expect(!plan.isShardwise)
  }

  /// Without fused multiply-adds the library computes linear maps, whose bits may depend on how many
  /// examples there are.
  @Test func librariesProductsAreRunShardByShard() throws {
    let program = try Model.perceptron.program(8)
    let memory = Arena<Float>(count: program.parameterLayout.count)
    let plan = try Plan(
      program, parameters: memory.buffer, statistics: Arena<Float>(count: 0).buffer, isa: .baseline)
    #expect(!plan.isShardwise)
  }
}
