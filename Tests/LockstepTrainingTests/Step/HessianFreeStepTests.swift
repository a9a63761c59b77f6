import LockstepCollective
import LockstepState
import LockstepFold
import LockstepDatasets
import LockstepEngine
import LockstepOptimization
import LockstepTraining
import LockstepTrainingTestSupport
import Testing

@Suite struct HessianFreeStepTests {
  /// Models whose shards know nothing of each other.
  static let models = [SmallModel.perceptron, .convolutional]

  struct Settings: Sendable {
    var model = SmallModel.perceptron
    var options = HessianFreeOptions()
    var steps = 3
    var threads = 1
    var microBatches = 1
    var maxNorm: Float? = nil
    var restartAfter: Int? = nil
  }

  struct Trace: Equatable, Sendable {
    var fingerprint: String
    var reports: [StepReport] = []
    var details: [HessianFreeReport] = []
    var largestUnit = 0.0
  }

  /// Steps over batches of 44 examples, one of them a tail of five, fewer than there are shards.
  static func train(_ settings: Settings, on group: any Collective) throws -> Trace {
    func make() throws -> (ModelSource, HessianFreeStep, StateRegistry) {
      let source = try ModelSource(
        dataset: try SmallModel.dataset(count: 93), seed: 9, threads: settings.threads,
        trace: settings.model.trace)
      source.memory.initialize(seed: 4)
      let layout = source.memory.trainableLayout
      let rule = try UpdateRule(
        layout: layout, chain: Chain(),
        constraints: layout.slots.map { slot in
          slot.shape.count > 1 ? settings.maxNorm.map { .maxNorm($0) } : nil
        })
      let step = try HessianFreeStep(
        source: source, update: rule, options: settings.options, shards: 8, on: group)
      let registry = StateRegistry()
      try registry.add(source.stateEntries, of: source)
      try registry.add(step.update.stateEntries, of: step.update)
      try registry.add(step.stateEntries, of: step)
      return (source, step, registry)
    }
    var (source, step, registry) = try make()
    let sampler = try Sampler(count: 93, batchSize: 44, seed: 2)
    var trace = Trace(fingerprint: "")
    for index in 0..<settings.steps {
      if index == settings.restartAfter {
        let (saved, old) = (registry.tensors.map { Array($0.bytes) }, registry)
        (source, step, registry) = try make()
        for (tensor, bytes) in zip(registry.tensors, saved) { tensor.bytes.copyBytes(from: bytes) }
        withExtendedLifetime(old) {}
      }
      trace.reports.append(
        try step.run(
          StepBatch(
            step: index, epoch: 0, examples: try sampler.batch(), shards: 8,
            microBatches: settings.microBatches)))
      trace.details.append(step.details)
      sampler.advance()
    }
    trace.fingerprint = registry.fingerprint().description
    for slot in source.memory.trainableLayout.slots where slot.shape.count > 1 {
      for unit in 0..<slot.unitCount {
        let start = slot.offset + unit * slot.unitSize
        let squares = source.parameters[start..<start + slot.unitSize]
          .reduce(0.0) { $0 + Double($1) * Double($1) }
        trace.largestUnit = max(trace.largestUnit, squares.squareRoot())
      }
    }
    return trace
  }

  @Test func oneStepSolvesAQuadratic() throws {
    // t = W x + b + noise on 40 examples: the least squares are one linear system away.
    let (count, inputs, outputs) = (40, 6, 2)
    let x = roughValues(count * inputs, seed: 3).map { $0 / 16 }
    let t = roughValues(count * outputs, seed: 4).map { $0 / 16 }
    let dataset = try Dataset(
      name: "plane", inputShape: [inputs], inputs: .floats(x),
      labels: .targets(t, width: outputs))
    let source = try ModelSource(dataset: dataset, seed: 1) { count, training in
      let graph = Graph(batchCount: count, training: training)
      func parameter(_ name: String, _ shape: [Int]) -> Tensor {
        graph.parameter(ParameterSpecification(name: name, shape: shape, initializer: Halves()))
      }
      let output = graph.input(Objective.Input.examples, [count, inputs])
        .linear(parameter("weight", [outputs, inputs]), parameter("bias", [outputs]))
      let targets = graph.input(Objective.Input.labels, [count, outputs])
      return Objective(loss: output.squaredError(targets: targets), output: output)
    }
    source.memory.initialize(seed: 1)
    var options = HessianFreeOptions()
    options.damping = 1e-7
    options.tolerance = 0
    let step = try HessianFreeStep(
      source: source,
      update: try UpdateRule(layout: source.memory.trainableLayout, chain: Chain()),
      options: options, shards: 4, on: SoloCollective())
    func batch(_ index: Int) -> StepBatch {
      StepBatch(step: index, epoch: 0, examples: Array(0..<count)[...], shards: 4)
    }
    let first = try step.run(batch(0))
    #expect(step.details.stepLength == 1)
    #expect(abs(step.details.reductionRatio - 1) < 1e-3)
    let second = try step.run(batch(1))
    #expect(second.update.gradientNorm < 1e-5 * first.update.gradientNorm)
    let optimum = Self.leastSquares(x, t, count, inputs, outputs)
    #expect(abs(second.loss - optimum) < 1e-6 * optimum)
    #expect(first.loss > 1.5 * optimum)
  }

  /// The mean over examples of the smallest squared error, from the normal equations in Double.
  static func leastSquares(
    _ x: [Float], _ t: [Float], _ count: Int, _ inputs: Int, _ outputs: Int
  ) -> Double {
    let width = inputs + 1
    let rows = (0..<count).map { n in
      (0..<inputs).map { Double(x[n * inputs + $0]) } + [1]
    }
    var total = 0.0
    for output in 0..<outputs {
      let target = (0..<count).map { Double(t[$0 * outputs + output]) }
      var a = (0..<width).map { i in
        (0..<width).map { j in rows.reduce(0) { $0 + $1[i] * $1[j] } }
          + [zip(rows, target).reduce(0) { $0 + $1.0[i] * $1.1 }]
      }
      for pivot in 0..<width {
        for row in 0..<width where row != pivot {
          let factor = a[row][pivot] / a[pivot][pivot]
          for column in pivot...width { a[row][column] -= factor * a[pivot][column] }
        }
      }
      let solution = (0..<width).map { a[$0][width] / a[$0][$0] }
      for (row, t) in zip(rows, target) {
        let error = zip(row, solution).reduce(0) { $0 + $1.0 * $1.1 } - t
        total += error * error
      }
    }
    return total / Double(count)
  }

  @Test(arguments: models)
  func anyNumberOfRanksAndThreadsGivesTheSameBits(model: SmallModel) throws {
    var settings = Settings(model: model, maxNorm: 0.9)
    settings.options.iterations = 12
    settings.options.curvatureExamples = 30
    settings.options.weightDecay = 1e-3
    let alone = try Self.train(settings, on: SoloCollective())
    #expect(alone.details.contains { $0.stepLength > 0 })
    #expect(
      abs(alone.largestUnit - 0.9) < 1e-6, "a unit touches the constraint: \(alone.largestUnit)")
    for (ranks, threads) in [(2, 1), (3, 1), (5, 1), (8, 1), (1, 2), (3, 2)] {
      settings.threads = threads
      let same = settings
      for trace in try group(of: ranks, { try Self.train(same, on: $0) }) {
        #expect(trace == alone, "\(ranks) ranks, \(threads) threads")
      }
    }
  }

  @Test func synchronisedStatisticsAreRefused() throws {
    #expect(
      throws: StepError.badOption(
        key: "batch normalisation", value: "synchronised over all shards",
        expected:
          "by shards or frozen for a Hessian-free step, whose products are sums over shards")
    ) { try Self.train(Settings(model: .synchronized), on: SoloCollective()) }
  }

  @Test func microBatchesAndRestartsChangeNothingOfSubstance() throws {
    var settings = Settings(steps: 4)
    settings.options.iterations = 8
    let whole = try Self.train(settings, on: SoloCollective())
    settings.restartAfter = 2
    #expect(try Self.train(settings, on: SoloCollective()) == whole)
    settings.restartAfter = nil
    settings.microBatches = 2
    let micro = settings
    let split = try Self.train(micro, on: SoloCollective())
    for trace in try group(of: 3, { try Self.train(micro, on: $0) }) { #expect(trace == split) }
    #expect(abs(split.reports[0].loss - whole.reports[0].loss) < 1e-6 * whole.reports[0].loss)
  }

  @Test(arguments: models, [0, 2])
  func theLossFalls(model: SmallModel, probes: Int) throws {
    let source = try ModelSource(
      dataset: try SmallModel.dataset(count: 160), seed: 9, trace: model.trace)
    source.memory.initialize(seed: 4)
    var options = HessianFreeOptions()
    options.iterations = 40
    options.probes = probes
    let step = try HessianFreeStep(
      source: source,
      update: try UpdateRule(layout: source.memory.trainableLayout, chain: Chain()),
      options: options, shards: 4, on: SoloCollective())
    var losses: [Double] = []
    for index in 0..<8 {
      losses.append(
        try step.run(
          StepBatch(step: index, epoch: index, examples: Array(0..<160)[...], shards: 4)
        ).loss)
      #expect(step.details.newObjective <= step.details.objective)
      #expect(step.details.products > 0)
    }
    #expect(losses[7] < 0.2 * losses[0], "\(losses)")
  }

  @Test func aFailedStepChangesNothing() throws {
    for ranks in [1, 3] {
      let unchanged = try group(of: ranks) { group -> Bool in
        var inputs = (0..<44 * 144).map { Float($0 % 7) / 7 }
        inputs[30 * 144 + 5] = .nan
        let source = try ModelSource(
          dataset: try Dataset(
            name: "spoiled", inputShape: [1, 12, 12], inputs: .floats(inputs),
            labels: .classes((0..<44).map { Int32($0 % 10) }, count: 10)), seed: 9,
          trace: SmallModel.perceptron.trace)
        source.memory.initialize(seed: 4)
        let step = try HessianFreeStep(
          source: source,
          update: try UpdateRule(layout: source.memory.trainableLayout, chain: Chain()),
          shards: 8, on: group)
        let registry = StateRegistry()
        try registry.add(source.stateEntries, of: source)
        try registry.add(step.stateEntries, of: step)
        let before = registry.fingerprint()
        do {
          _ = try step.run(StepBatch(step: 0, epoch: 0, examples: Array(0..<44)[...], shards: 8))
          return false
        } catch let error as NonFiniteError {
          return error.origin?.shard == 5 && registry.fingerprint() == before
        }
      }
      #expect(unchanged.allSatisfy { $0 })
    }
  }

  @Test func aTrainerRunsItAndResumesOnOtherRanks() throws {
    @Sendable func run(_ group: any Collective, _ path: String?, steps: Int, resume: Bool) throws
      -> String
    {
      let source = try ModelSource(
        dataset: try SmallModel.dataset(count: 88), seed: 9, trace: SmallModel.perceptron.trace)
      source.memory.initialize(seed: 4)
      var options = HessianFreeOptions()
      options.iterations = 8
      let step = try HessianFreeStep(
        source: source,
        update: try UpdateRule(layout: source.memory.trainableLayout, chain: Chain()),
        options: options, shards: 4, on: group)
      let place = try path.flatMap {
        try RunDirectory.open($0, resume: resume, configuration: [:], on: group)
      }
      let trainer = try Trainer(
        step: step, sampler: try Sampler(count: 88, batchSize: 44, seed: 2),
        options: TrainerOptions(epochs: 9, steps: steps), configuration: [:], directory: place,
        on: group, isInterrupted: { false })
      return try trainer.run(resume: resume).fingerprint?.description ?? "none"
    }
    let whole = try run(SoloCollective(), nil, steps: 4, resume: false)
    try withTemporaryDirectory { parent in
      _ = try group(of: 2) { try run($0, "\(parent)/run", steps: 2, resume: false) }
      for resumed in try group(of: 3, { try run($0, "\(parent)/run", steps: 4, resume: true) }) {
        #expect(resumed == whole)
      }
    }
  }

  @Test func optionsThatMakeNoSenseAreNamed() {
    var options = HessianFreeOptions()
    options.damping = -1
    let error = #expect(throws: StepError.self) { try options.validate() }
    #expect(error?.description == "damping is -1.0: it must be a positive number")
    options = HessianFreeOptions()
    options.dampingFactor = .nan
    #expect(throws: StepError.self) { try options.validate() }
    options = HessianFreeOptions()
    options.curvatureExamples = 0
    #expect(throws: StepError.self) { try options.validate() }
  }

  private struct Halves: Initializer {
    func fill(
      _ values: inout MutableSpan<Float>, shape: [Int],
      using random: inout some RandomNumberGenerator
    ) { values.update(repeating: 0.5) }
  }
}
