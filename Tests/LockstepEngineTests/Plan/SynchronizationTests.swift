import LockstepEngine
import LockstepTestSupport
import Testing

/// Batch normalisation over all shards: several lanes that meet, against PyTorch on the joined batch and
/// against the joint reference evaluation.
@Suite struct SynchronizationTests {
  static let cases = OperationCase.all.filter { $0.operation == "batch_norm" }

  /// The rows of a batch cut into shards of these sizes.
  static func cut(_ tensor: HostTensor, _ sizes: [Int]) -> [HostTensor] {
    let row = tensor.shape.dropFirst().reduce(1, *)
    var start = 0
    return sizes.map { size in
      defer { start += size }
      return HostTensor(
        [size] + tensor.shape.dropFirst(), Array(tensor.values[start * row..<(start + size) * row]))
    }
  }

  static func join(_ parts: [HostTensor]) -> HostTensor {
    HostTensor(
      [parts.reduce(0) { $0 + $1.shape[0] }] + parts[0].shape.dropFirst(), parts.flatMap(\.values))
  }

  static func add(_ parts: [HostTensor]) -> HostTensor {
    parts.dropFirst().reduce(parts[0]) { sum, part in
      HostTensor(sum.shape, zip(sum.values, part.values).map { $0 + $1 })
    }
  }

  /// One shard of a batch: what it computes, and the values of its leaves.
  struct Shard {
    let graph: Graph
    /// Σ y · cotangent.
    let objective: Tensor
    /// y, μ, the unbiased σ², dx, dγ, dβ, and what else is wanted.
    let wanted: [Tensor]
    let leaves: ReferenceEvaluator.Leaves
  }

  /// A shard with x [n, C, …] itself, or behind a 3×3 convolution to that many channels; with a ReLU
  /// behind it where asked.
  static func shard(
    _ x: HostTensor, _ gamma: HostTensor, _ beta: HostTensor, _ cotangent: HostTensor,
    behind weight: HostTensor? = nil, rectified: Bool = false
  ) throws -> Shard {
    let graph = Graph(batchCount: x.shape[0], training: true)
    func parameter(_ name: String, _ value: HostTensor) -> Tensor {
      graph.parameter(
        ParameterSpecification(name: name, shape: value.shape, initializer: Untouched()))
    }
    let input = graph.input("x", x.shape)
    let (scale, shift) = (parameter("gamma", gamma), parameter("beta", beta))
    var leaves = ReferenceEvaluator.Leaves(
      inputs: ["x": x, "cotangent": cotangent], parameters: ["gamma": gamma, "beta": beta])
    var hidden = input
    var kernels: [Tensor] = []
    if let weight {
      kernels = [parameter("weight", weight)]
      leaves.parameters["weight"] = weight
      hidden = input.convolved(kernels[0], window: .same(kernel: [3, 3]))
    }
    let (result, mean, variance) = hidden.normalizedOverAllShards(scale, shift, epsilon: 1e-5)
    let y = rectified ? result.relu() : result
    let objective = (y * graph.input("cotangent", cotangent.shape)).sum()
    let gradients = graph.gradients(of: objective, by: [input, scale, shift] + kernels)
    try graph.check()
    return Shard(
      graph: graph, objective: objective,
      wanted: try [y, mean, variance] + gradients.map { try #require($0) },
      leaves: leaves)
  }

  /// Each shard's wanted values, by the reference evaluation of all of them together.
  static func reference(_ shards: [Shard]) throws -> [[HostTensor]] {
    try ReferenceEvaluator.evaluate(
      shards.map {
        .init(evaluator: ReferenceEvaluator($0.graph), wanted: $0.wanted, leaves: $0.leaves)
      })
  }

  /// Each shard's wanted values, by lanes that meet. They are run twice: the second run finds memory as
  /// the first one left it.
  static func lanes(
    _ shards: [Shard], isa: InstructionSet = .detected
  ) throws -> [[[Float]]] {
    var lanes: [Lane] = []
    var memory: [[Arena<Float>]] = []
    for shard in shards {
      let program = try Program(evaluating: shard.graph, scalars: [], outputs: shard.wanted)
      let (lane, arenas) = try lane(running: program, shard.leaves, isa: isa)
      lanes.append(lane)
      memory.append(arenas)
    }
    defer { withExtendedLifetime(memory) {} }
    let synchronizations = lanes[0].plan.synchronizations
    #expect(synchronizations.map(\.kind) == [.moments, .sums])
    for _ in 0..<2 {
      for part in 0...synchronizations.count {
        for lane in lanes { try lane.run(segment: part, RunContext(), leaf: nil) }
        guard part < synchronizations.count else { continue }
        var total = Array(repeating: 0.0, count: synchronizations[part].count)
        for lane in lanes {
          synchronizations[part].combine(&total, with: lane.vector(part).baseAddress!)
        }
        for lane in lanes { _ = lane.vector(part).update(fromContentsOf: total) }
      }
    }
    return zip(lanes, shards).map { lane, shard in
      shard.wanted.indices.map { Array(lane.output($0)) }
    }
  }

  static func expectClose(
    _ found: [Float], _ expected: HostTensor, _ tolerance: Double, _ what: String
  ) {
    #expect(found.count == expected.values.count)
    let scale = expected.values.reduce(0) { max($0, abs($1)) }
    for (index, (a, b)) in zip(found, expected.values).enumerated() {
      let close = abs(Double(a) - b) <= tolerance * max(scale, 1e-3)
      #expect(close, "\(what)[\(index)]: \(a), expected \(b)")
      if !close { return }
    }
  }

  /// Ways to cut n examples.
  static func cuts(_ n: Int) -> [[Int]] {
    n == 1 ? [[1]] : [[n], Array(repeating: 1, count: n), [1, n - 1], [n - 1, 1]]
  }

  // MARK: Against the joined batch

  @Test("shards together have PyTorch's values", arguments: cases)
  func agreesWithPyTorch(_ reference: OperationCase) throws {
    let (x, gamma, beta) = (
      reference.inputs[0].value, reference.inputs[1].value, reference.inputs[2].value
    )
    for sizes in Self.cuts(x.shape[0]) {
      let shards = try zip(Self.cut(x, sizes), Self.cut(reference.cotangents[0], sizes)).map {
        try Self.shard($0, gamma, beta, $1)
      }
      let exact = try Self.reference(shards)
      let count = Double(x.values.count / gamma.values.count)
      let expected =
        [
          reference.outputs[0], reference.outputs[1],
          reference.outputs[2].map { $0 * count / (count - 1) },
          try #require(reference.gradients[0]), try #require(reference.gradients[1]),
          try #require(reference.gradients[2]),
        ]
      let computed = try Self.lanes(shards)
      for (index, expected) in expected.enumerated() {
        switch index {
        case 0, 3:
          #expect(deviation(Self.join(exact.map { $0[index] }), from: expected) < 1e-10)
          Self.expectClose(computed.flatMap { $0[index] }, expected, 1e-5, "value \(index)")
        case 1, 2:
          for shard in exact { #expect(deviation(shard[index], from: expected) < 1e-10) }
          for shard in computed { Self.expectClose(shard[index], expected, 1e-5, "value \(index)") }
        default:
          #expect(deviation(Self.add(exact.map { $0[index] }), from: expected) < 1e-10)
          let sum = expected.values.indices.map { c in
            computed.reduce(Float(0)) { $0 + $1[index][c] }
          }
          Self.expectClose(sum, expected, 1e-5, "value \(index)")
        }
      }
    }
  }

  @Test("the gradients agree with central differences over all shards", arguments: [0, 3, 5])
  func centralDifferences(_ index: Int) throws {
    let reference = Self.cases[index]
    let (gamma, beta) = (reference.inputs[1].value, reference.inputs[2].value)
    let count = reference.inputs[0].value.shape[0]
    let sizes = [1, count - 1]
    let shards = try zip(
      Self.cut(reference.inputs[0].value, sizes), Self.cut(reference.cotangents[0], sizes)
    ).map { try Self.shard($0, gamma, beta, $1) }
    let exact = try Self.reference(shards)
    /// The sum of both objectives where an element of one shard's leaf has moved.
    func objective(_ move: (inout [ReferenceEvaluator.Leaves]) -> Void) throws -> Double {
      var leaves = shards.map(\.leaves)
      move(&leaves)
      return try ReferenceEvaluator.evaluate(
        zip(shards, leaves).map {
          .init(evaluator: ReferenceEvaluator($0.graph), wanted: [$0.objective], leaves: $1)
        }
      ).reduce(0) { $0 + $1[0].values[0] }
    }
    let h = 1e-5
    for shard in shards.indices {
      var differences = exact[shard][3]
      for element in differences.values.indices {
        let above = try objective { $0[shard].inputs["x"]!.values[element] += h }
        let below = try objective { $0[shard].inputs["x"]!.values[element] -= h }
        differences.values[element] = (above - below) / (2 * h)
      }
      #expect(deviation(exact[shard][3], from: differences) < 1e-6)
    }
    for (name, place) in [("gamma", 4), ("beta", 5)] {
      var differences = exact[0][place]
      for element in differences.values.indices {
        func at(_ step: Double) throws -> Double {
          try objective { leaves in
            for shard in leaves.indices { leaves[shard].parameters[name]!.values[element] += step }
          }
        }
        differences.values[element] = (try at(h) - at(-h)) / (2 * h)
      }
      #expect(deviation(Self.add(exact.map { $0[place] }), from: differences) < 1e-6)
    }
  }

  // MARK: Layouts

  /// Values in −1...1 of a generator that needs no seed table.
  static func values(_ shape: [Int], _ key: UInt32) -> HostTensor {
    var random = CounterGenerator(seed: 7, .synthesis, index: key)
    return HostTensor(shape).map { _ in Double(Float.random(in: -1...1, using: &random)) }
  }

  static func convolved(_ channels: Int, rectified: Bool) throws -> [Shard] {
    try [3, 1, 4].enumerated().map { index, size in
      let key = UInt32(index)
      var x = values([size, 3, 6, 5], key)
      for i in x.values.indices { x.values[i] += Double(index) }
      return try shard(
        x, values([channels], 11), values([channels], 12),
        values([size, channels, 6, 5], 20 + key), behind: values([channels, 3, 3, 3], 10),
        rectified: rectified)
    }
  }

  @Test("behind convolutions, in blocked layouts", arguments: [3, 8, 10, 17, 32], [false, true])
  func blockedLayouts(_ channels: Int, _ rectified: Bool) throws {
    let shards = try Self.convolved(channels, rectified: rectified)
    let expected = try Self.reference(shards)
    for (found, expected) in zip(try Self.lanes(shards), expected) {
      for (index, (found, expected)) in zip(found, expected).enumerated() {
        Self.expectClose(found, expected, 2e-5, "value \(index)")
      }
    }
  }

  @Test("a ReLU behind it costs no step of its own")
  func rectifiers() throws {
    let steps = try [false, true].map { rectified in
      let shard = try Self.convolved(8, rectified: rectified)[0]
      let program = try Program(evaluating: shard.graph, scalars: [], outputs: shard.wanted)
      return try lane(running: program, shard.leaves).0.plan.stepCount
    }
    #expect(steps[0] == steps[1])
  }

  @Test("all instruction sets give the same bits", arguments: [3, 10, 17, 40])
  func instructionSets(_ channels: Int) throws {
    for rectified in [false, true] {
      // Layouts are oneDNN's choice and the same for all.
      let images = try Self.convolved(channels, rectified: rectified)
      let rows = try [5, 2].enumerated().map { index, size in
        try Self.shard(
          Self.values([size, channels], UInt32(index)), Self.values([channels], 2),
          Self.values([channels], 3), Self.values([size, channels], UInt32(4 + index)),
          rectified: rectified)
      }
      for shards in [images, rows] {
        let results = try InstructionSet.allCases.filter { $0 <= .detected }.map { isa in
          try Self.lanes(shards, isa: isa).map { $0.map { $0.map(\.bitPattern) } }
        }
        for result in results { #expect(result == results[0]) }
      }
    }
  }

  // MARK: Laws

  @Test("a shard that is the batch is normalised as by itself")
  func oneShard() throws {
    let reference = Self.cases[3]
    let x = reference.inputs[0].value
    let shard = try Self.shard(
      x, reference.inputs[1].value, reference.inputs[2].value, reference.cotangents[0])
    let program = try Program(evaluating: shard.graph, scalars: [], outputs: shard.wanted)
    let (lane, memory) = try lane(running: program, shard.leaves)
    try lane.run(RunContext())
    let whole = shard.wanted.indices.map { Array(lane.output($0)) }
    withExtendedLifetime(memory) {}
    #expect(whole == (try Self.lanes([shard])[0]))
  }

  @Test("folding moments: empty shards are neutral, the order is rounding")
  func moments() {
    let synchronization = SynchronizationPoint(kind: .moments, channels: 2, layer: "norm")
    let parts: [[Double]] = [
      [3, 1, -2, 0.5, 4], [0, 0, 0, 0, 0], [1, 9, 9, 0, 0], [10, 1.5, 100, 3, 2],
    ]
    func folded(_ order: [Int]) -> [Double] {
      var total = Array(repeating: 0.0, count: 5)
      for index in order { synchronization.combine(&total, with: parts[index]) }
      return total
    }
    #expect(folded([0]) == parts[0])
    #expect(folded([1, 0, 1, 2, 3]) == folded([0, 2, 3]))
    for (a, b) in zip(folded([0, 2, 3]), folded([3, 0, 2])) { #expect(abs(a - b) < 1e-12 * abs(b)) }
    // 14 values: 3 with mean 1, one 9, 10 with mean 1.5.
    #expect(folded([0, 2, 3])[0] == 14)
    #expect(abs(folded([0, 2, 3])[1] - 27.0 / 14) < 1e-14)
    // Squares add up to 0.5 + 3 within, and 3 + 81 + 10 · 2.25 of means.
    let squares = 110.0 - 729.0 / 14
    #expect(abs(folded([0, 2, 3])[3] - squares) < 1e-12)
  }

  @Test("one value a channel is an error that names the layer")
  func oneValue() throws {
    let synchronization = SynchronizationPoint(kind: .moments, channels: 1, layer: "norm")
    try synchronization.check([2, 0, 0])
    try synchronization.check([0, 0, 0])
    #expect(throws: GraphError.self) { try synchronization.check([1, 0, 0]) }
    do throws(GraphError) { try synchronization.check([1, 5, 0]) } catch {
      #expect(error.description.hasPrefix("layer 'norm': one value a channel in the whole batch"))
    }
  }

  @Test("a large mean costs no digits of the variance")
  func largeMean() throws {
    for shape in [[6, 3], [6, 3, 5, 5]] {
      var x = Self.values(shape, 1)
      // What Float32 holds of 4096 and deviations of a hundredth.
      for i in x.values.indices { x.values[i] = Double(Float(4096 + 0.01 * x.values[i])) }
      let shards = try zip(Self.cut(x, [2, 4]), Self.cut(Self.values(shape, 2), [2, 4])).map {
        try Self.shard($0, Self.values([3], 3), Self.values([3], 4), $1)
      }
      let expected = try Self.reference(shards)
      for (found, expected) in zip(try Self.lanes(shards), expected) {
        for c in 0..<3 {
          let variance = expected[2].values[c]
          #expect(variance > 1e-6)
          #expect(abs(Double(found[2][c]) - variance) < 1e-6 * variance)
        }
      }
    }
  }
}

/// Leaves the values alone.
private struct Untouched: Initializer {
  func fill(
    _ values: inout MutableSpan<Float>, shape: [Int],
    using random: inout some RandomNumberGenerator
  ) {}
}
