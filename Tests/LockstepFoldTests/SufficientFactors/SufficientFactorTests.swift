import LockstepCollective
import LockstepFold
import LockstepEngine
import LockstepLayers
import LockstepOptimization
import LockstepTraining
import LockstepTrainingTestSupport
import Testing

/// Ranks that share memory multiply factors instead of adding gradients, with the same bits.
@Suite struct SufficientFactorTests {
  struct Run: Sendable {
    var model = SmallModel.perceptron
    /// The outputs of a hidden layer instead of the model's.
    var hidden: Int?
    var isSharded = true
    var nonFinite = NonFinitePolicy.stop
    var wire = WirePrecision.float32
    var threads = 1
    var microBatches = 1
    var batchSizes = [24, 16, 24, 21, 8]
    /// A parameter that is not finite at first.
    var isPoisoned = false

    struct Result: Sendable, Equatable {
      var parameters: [UInt32]
      var losses: [Double]
      var norms: [Double]
      /// For each step, whether factors were multiplied.
      var uses: [Bool]
      var failure: String?
    }

    private func trace(_ count: Int, _ training: Bool) throws -> Objective {
      guard let hidden else { return try model.trace(count, training) }
      let graph = Graph(batchCount: count, training: training)
      func linear(_ name: String, _ x: Tensor, _ outputs: Int) -> Tensor {
        x.linear(
          graph.parameter(
            ParameterSpecification(
              name: name, shape: [outputs, x.type.shape[1]],
              initializer: UniformInitializer(-0.1, 0.1))), nil)
      }
      let input = graph.input(Objective.Input.examples, [count, 1, 12, 12]).flattened()
      let logits = linear("second", linear("first", input, hidden).relu(), 10)
      let labels = graph.input(Objective.Input.labels, [count], .int32)
      return Objective(
        loss: logits.softmaxCrossEntropy(labels: labels), metrics: [], output: logits)
    }

    func run(on group: any Collective) throws -> Result {
      let source = try ModelSource(
        dataset: SmallModel.dataset(count: 101), seed: 9, threads: threads, trace: trace)
      source.memory.initialize(seed: 4)
      let plan = try FoldPlan(shards: 8, of: source, wire: wire, on: group)
      let rule = try UpdateRule(
        layout: source.memory.trainableLayout,
        chain: Chain(ClipByGlobalNorm(0.5)) + .adam(learningRate: 0.01),
        constraints: source.memory.trainableLayout.slots.map {
          $0.shape.count > 1 ? .maxNorm(1) : nil
        },
        owning: isSharded ? plan.gradientBlocks(ofRank: group.rank) : nil)
      let step = try TrainingStep(
        source: source, update: rule,
        nonFinite: nonFinite, shards: 8, wire: wire, on: group)
      if isPoisoned { source.parameters[3] = .infinity }
      var result = Result(parameters: [], losses: [], norms: [], uses: [])
      for (index, size) in batchSizes.enumerated() {
        let examples = (0..<size).map { (7 * index + 3 * $0) % 101 }
        do {
          let report = try step.run(
            StepBatch(
              step: index, epoch: 0, examples: examples[...], shards: 8,
              microBatches: microBatches))
          result.losses.append(report.loss)
          result.norms.append(report.update.gradientNorm)
          result.uses.append(step.exchange.usesSufficientFactors)
        } catch {
          result.failure = "\(error)"
          break
        }
      }
      try group.barrier()
      result.parameters = source.parameters.map(\.bitPattern)
      return result
    }
  }

  @Test(arguments: [1, 2, 3, 5, 8], [true, false])
  func productsHaveTheBitsOfSums(ranks: Int, isSharded: Bool) throws {
    try expectTheBitsOfSums(Run(isSharded: isSharded), ranks: ranks)
  }

  @Test(arguments: [2, 5], [0, 1, 2])
  func productsAreRoundedAsSumsAre(ranks: Int, level: Int) throws {
    let run = Run(isSharded: false, wire: .bfloat16(level: level))
    try expectTheBitsOfSums(run, ranks: ranks)
    let exact = try Run(isSharded: false).run(on: SoloCollective())
    #expect(try run.run(on: SoloCollective()).parameters != exact.parameters)
  }

  private func expectTheBitsOfSums(_ run: Run, ranks: Int) throws {
    let alone = try run.run(on: SoloCollective())
    #expect(alone.uses.allSatisfy { !$0 } && Set(alone.losses).count == alone.losses.count)
    for result in try group(of: ranks, { try run.run(on: $0) }) {
      #expect(result.parameters == alone.parameters)
      #expect(result.losses == alone.losses)
      #expect(result.norms == alone.norms)
      // 21 examples are no eight shards of one size.
      let isUsed = InstructionSet.detected.multipliesAndAddsAtOnce
      #expect(result.uses == [true, true, true, false, true].map { $0 && isUsed && ranks > 1 })
    }
  }

  /// Rows that are made at once end inside of blocks, and owners' rows inside of what kernels make.
  @Test(arguments: [1003, 433, 13]) func layersOfManyRowsAreMadeRunByRun(hidden: Int) throws {
    let run = Run(hidden: hidden, batchSizes: [8, 8])
    let alone = try run.run(on: SoloCollective())
    for ranks in [2, 3, 7] {
      for result in try group(of: ranks, { try run.run(on: $0) }) {
        #expect(result.uses.allSatisfy { $0 == InstructionSet.detected.multipliesAndAddsAtOnce })
        #expect(result.parameters == alone.parameters, "\(ranks) ranks")
      }
    }
  }

  @Test(arguments: [
    Run(model: .convolutional), Run(nonFinite: .sanitize()),
    Run(threads: 2), Run(microBatches: 2), Run(batchSizes: [96, 96]),
  ])
  func whereTheyCannotBeMultipliedGradientsAreAdded(_ run: Run) throws {
    let alone = try run.run(on: SoloCollective())
    for result in try group(of: 3, { try run.run(on: $0) }) {
      #expect(result.uses.allSatisfy { !$0 } && !result.uses.isEmpty)
      #expect(result.parameters == alone.parameters)
    }
  }

  @Test func whatIsNotFiniteIsNamedAsEver() throws {
    let run = Run(isPoisoned: true)
    let alone = try #require(try run.run(on: SoloCollective()).failure)
    for result in try group(of: 2, { try run.run(on: $0) }) {
      let failure = try #require(result.failure)
      #expect(failure.contains("shard 0") && alone.contains("shard 0"), "\(failure)")
    }
  }
}
