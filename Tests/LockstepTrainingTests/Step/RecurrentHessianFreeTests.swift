import LockstepCollective
import LockstepEngine
import LockstepFold
import LockstepLayers
import LockstepOptimization
import LockstepState
import LockstepTraining
import LockstepTrainingTestSupport
import Testing

/// Hessian-free steps on recurrent networks, whose losses count the positions of sequences.
@Suite struct RecurrentHessianFreeTests {
  enum Network: String, CaseIterable, Sendable {
    case tanh, gru, lstm

    var model: Sequential {
      let layer: any Model =
        switch self {
        case .tanh: RNN(2, 4)
        case .gru: GRU(2, 3)
        case .lstm: LSTM(2, 3)
        }
      return Sequential(named: [
        ("embedding", Embedding(MarkedTokens.vocabulary, 2)), ("recurrent", layer),
        ("head", Linear(MarkedTokens.vocabulary)),
      ])
    }
  }

  typealias Loss = DenseTokenCurvature.Loss

  static let losses = [
    Loss(), Loss(classWeights: [1, 0.25, 3, 0.5, 2, 1, 1.5]),
    Loss(classWeights: [1, 0.25, 3, 0.5, 2, 1, 0], smoothing: 0.2),
  ]

  /// Twelve examples, of which the first three have no position that counts: a whole shard of four.
  static let order = [0, 3, 6, 1, 4, 7, 2, 9, 5, 10, 8, 11]

  private static func source(
    _ network: Network, _ loss: Loss, threads: Int = 1
  ) throws -> ModelSource {
    let source = try ModelSource(
      network.model, loss: loss.tested, on: try MarkedTokens(count: 40), seed: 3, threads: threads)
    source.memory.initialize(seed: 5)
    return source
  }

  private static func step(
    _ source: ModelSource, _ options: HessianFreeOptions, shards: Int = 4,
    on group: any Collective = SoloCollective()
  ) throws -> HessianFreeStep {
    try HessianFreeStep(
      source: source, update: try source.update(Chain()), options: options, shards: shards,
      on: group)
  }

  private static func batch(
    _ examples: [Int] = order, step: Int = 0, shards: Int = 4, microBatches: Int = 1
  ) -> StepBatch {
    StepBatch(
      step: step, epoch: 0, examples: examples[...], shards: shards, microBatches: microBatches)
  }

  /// Runs a step to the end of its conjugate gradients and compares the direction with the dense
  /// solution of (G + λ I + λ μ S) d = −g.
  private func compare(
    _ network: Network, _ loss: Loss, structuralDamping: Double, curvatureExamples: Int?
  ) throws {
    let source = try Self.source(network, loss)
    let tokens = try MarkedTokens(count: 40)
    let all = try DenseTokenCurvature(network.model, loss, tokens, Self.order, source)
    let part =
      try curvatureExamples.map {
        try DenseTokenCurvature(
          network.model, loss, tokens, Array(Self.order.prefix($0)), source)
      } ?? all
    var options = HessianFreeOptions()
    options.damping = 0.2
    options.structuralDamping = structuralDamping
    options.iterations = 400
    options.tolerance = 0
    options.curvatureExamples = curvatureExamples
    let step = try Self.step(source, options)
    let report = try step.run(Self.batch())
    #expect(abs(report.weight - all.weight) < 1e-6)
    #expect(step.details.stepLength > 0)
    var matrix = part.matrix
    let factor = options.damping * structuralDamping
    for i in matrix.indices {
      for j in matrix.indices {
        matrix[i][j] = (matrix[i][j] + factor * part.states[i][j]) / part.weight
      }
      matrix[i][i] += options.damping
    }
    let expected = DenseTokenCurvature.solve(matrix, all.gradient.map { -$0 / all.weight })
    let entry = try #require(step.stateEntries.first { $0.name == "step.direction" })
    guard case .arena(let values, let layout) = entry.storage else {
      Issue.record("the direction is no arena")
      return
    }
    let found = layout.slots.flatMap { values[$0.range].map(Double.init) }
    #expect(found.count == expected.count)
    var (error, size) = (0.0, 0.0)
    for (value, dense) in zip(found, expected) {
      error += (value - dense) * (value - dense)
      size += dense * dense
    }
    #expect(size > 1e-4)
    #expect(error.squareRoot() < 1e-4 * size.squareRoot())
  }

  @Test("directions are those of the dense Gauss-Newton matrix", arguments: losses)
  func dense(loss: Loss) throws {
    try compare(.tanh, loss, structuralDamping: 0, curvatureExamples: nil)
    // Of these the gradient knows more positions than the products.
    try compare(.tanh, loss, structuralDamping: 0, curvatureExamples: 7)
  }

  @Test(
    "directions of every cell with damped states are the dense ones", arguments: Network.allCases)
  func damped(network: Network) throws {
    try compare(network, Loss(), structuralDamping: 0.7, curvatureExamples: nil)
  }

  @Test("squared probes of positions that count average to the diagonal", arguments: [1, 2])
  func probes(microBatches: Int) throws {
    let loss = Self.losses[1]
    let source = try Self.source(.tanh, loss)
    let dense = try DenseTokenCurvature(
      Network.tanh.model, loss, try MarkedTokens(count: 40), Self.order, source)
    let group = SoloCollective()
    let plan = try FoldPlan(shards: 2, of: source, on: group)
    let exchange = try group.makeExchange(plan)
    let accumulator = ShardAccumulator(plan, rank: 0)
    let records = try ScalarFold(runs: plan.shardRuns, metrics: 0, on: group)
    let layout = source.memory.trainableLayout
    var sums = Array(repeating: 0.0, count: dense.matrix.count)
    let draws = 500
    for draw in 0..<draws {
      try records.gather {
        try source.computeSquaredProbes(
          of: Self.batch(step: draw, shards: 2, microBatches: microBatches), draw: 0,
          into: exchange.partials, records: $0, accumulator: accumulator)
      }
      #expect(abs(records.total.weight - dense.weight) < 1e-6)
      try exchange.combine { _ in }
      try exchange.gather()
      let folded = exchange.folded
      for (index, value) in layout.slots.flatMap({ folded[$0.range] }).enumerated() {
        sums[index] += Double(value)
      }
    }
    let diagonal = dense.matrix.indices.map { dense.matrix[$0][$0] }
    let trace = diagonal.reduce(0, +)
    #expect(abs(sums.reduce(0, +) / Double(draws) - trace) < 0.1 * trace)
    for (sum, expected) in zip(sums, diagonal) where expected > 0.02 * trace {
      #expect(abs(sum / Double(draws) - expected) < 0.3 * expected)
    }
  }

  struct Trace: Equatable, Sendable {
    var fingerprint = ""
    var reports: [StepReport] = []
  }

  /// Three steps over batches of 12, 12 and 5 examples.
  private static func train(
    threads: Int = 1, microBatches: Int = 1, on group: any Collective
  ) throws -> Trace {
    let source = try source(.lstm, losses[1], threads: threads)
    var options = HessianFreeOptions()
    options.iterations = 10
    options.structuralDamping = 0.1
    options.curvatureExamples = 9
    let step = try step(source, options, shards: 8, on: group)
    let registry = StateRegistry()
    try registry.add(source.stateEntries, of: source)
    try registry.add(step.stateEntries, of: step)
    var trace = Trace()
    for (index, examples) in [order, Array(12..<24), Array(25..<30)].enumerated() {
      trace.reports.append(
        try step.run(batch(examples, step: index, shards: 8, microBatches: microBatches)))
    }
    trace.fingerprint = registry.fingerprint().description
    return trace
  }

  @Test("any number of ranks and threads gives the same bits", arguments: [1, 2])
  func ranks(microBatches: Int) throws {
    let alone = try Self.train(microBatches: microBatches, on: SoloCollective())
    #expect(alone.reports.allSatisfy { ($0.hessianFree?.stepLength ?? 0) > 0 })
    #expect(Set(alone.reports.map(\.weight)).count == 3, "batches weigh differently")
    for (ranks, threads) in [(2, 1), (3, 1), (8, 1), (1, 3), (3, 2)] {
      let traces = try group(of: ranks) {
        try Self.train(threads: threads, microBatches: microBatches, on: $0)
      }
      for trace in traces { #expect(trace == alone, "\(ranks) ranks, \(threads) threads") }
    }
  }

  @Test("counting all positions is the loss that counts none")
  func whole() throws {
    struct Numbers: Equatable {
      let loss: Double
      let weight: Double
      let details: HessianFreeReport?
    }
    func numbers(_ loss: SoftmaxCrossEntropy) throws -> [Numbers] {
      let source = try ModelSource(
        Network.tanh.model, loss: loss, on: try MarkedTokens(count: 40, marks: false), seed: 3)
      source.memory.initialize(seed: 5)
      var options = HessianFreeOptions()
      options.iterations = 10
      let step = try Self.step(source, options)
      return try (0..<3).map { index in
        let report = try step.run(Self.batch(step: index))
        return Numbers(loss: report.loss, weight: report.weight, details: report.hessianFree)
      }
    }
    let plain = try numbers(SoftmaxCrossEntropy())
    #expect(plain[0].weight == Double(12 * MarkedTokens.length))
    #expect(try numbers(SoftmaxCrossEntropy(ignoreIndex: MarkedTokens.ignored)) == plain)
  }

  @Test("what has no curvature to go by is named")
  func refusals() throws {
    var options = HessianFreeOptions()
    options.curvatureExamples = 3
    var error = #expect(throws: StepError.self) {
      try Self.step(try Self.source(.tanh, Loss()), options).run(Self.batch())
    }
    #expect(
      error?.description
        == "curvatureExamples is 3: it must be larger: in step 1 no position of these examples counts, "
        + "so that there is no curvature to go by")
    error = #expect(throws: StepError.self) {
      try Self.step(try Self.source(.tanh, Loss()), HessianFreeOptions()).run(
        Self.batch([0, 3, 6, 9]))
    }
    #expect(error == .noWeight(step: 1, weight: 0))

    options = HessianFreeOptions()
    options.structuralDamping = -1
    error = #expect(throws: StepError.self) {
      try Self.step(try Self.source(.tanh, Loss()), options)
    }
    #expect(error?.description == "structuralDamping is -1.0: it must be 0 or a positive number")
    options.structuralDamping = 0.1
    let flat = try ModelSource(
      TokenModel(), loss: Loss().tested, on: try MarkedTokens(count: 40), seed: 3)
    error = #expect(throws: StepError.self) { try Self.step(flat, options) }
    #expect(
      error?.description
        == "structuralDamping is 0.1: it must be 0 for a model without recurrent layers, which has no "
        + "states to damp")
  }
}
