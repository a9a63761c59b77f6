import LockstepCollective
import LockstepEngine
import LockstepFiles
import LockstepFold
import LockstepOptimization
import LockstepPlatform
import LockstepTraining

/// What an update by each optimizer of the catalog takes for a model, beside the gradient of a batch; and at
/// what rate matrices are orthogonalised, beside that of a product alone. One rank, one thread.
package enum OptimizerBenchmark {
  /// What to measure.
  package struct Options: Sendable {
    /// The model.
    package var model = BenchmarkModel.mlp
    /// The positions of an example; the model's own if nil.
    package var sequence: Int?
    /// The number of examples.
    package var batchSize = 128
    /// The number of measurements.
    package var repetitions = 9

    /// The defaults: the perceptron.
    package init() {}
  }

  /// Measures.
  package static func run(_ options: Options) throws -> JSONValue {
    let source = try options.model.source(
      on: options.model.dataset(count: options.batchSize, sequence: options.sequence))
    var rows = JSONObject()
    var fastest = 0.0
    for entry in OptimizerCatalog.catalog.entries {
      let rule = try UpdateRule(
        layout: source.memory.trainableLayout,
        chain: OptimizerCatalog.catalog.make(entry.name).chain(totalSteps: 1_000_000))
      let matrices = TimedMatrices(rule.layout)
      let operations = rule.matrixOperations.reduce(0) { $0 + ($1 ?? 0) }
      if operations > 0 { rule.matrixExchange = matrices }
      // Where some updates take more than others, the mean over their period counts.
      let period = rule.matrixPeriod
      let seconds = try update(rule, source, max(options.repetitions, period))
      let usual = matrices.seconds.isEmpty ? 0 : Spread(matrices.seconds).median
      let own = period == 1 ? usual : matrices.mean(ofLast: period)
      var row: JSONObject = ["milliseconds": .number(1000 * (seconds - usual + own))]
      if operations > 0 {
        row["matrixGFLOPS"] = .number(operations / own / 1e9)
        fastest = max(fastest, operations / own / 1e9)
      }
      rows[entry.name] = .object(row)
    }
    let product = try productRate(options.repetitions)
    return .object([
      "benchmark": .string("optimizers"), "model": .string(options.model.rawValue),
      "parameters": .integer(source.memory.trainableLayout.count),
      "batchSize": .integer(options.batchSize),
      "gradientMilliseconds": .number(1000 * (try gradient(source, options))),
      "productGFLOPS": .number(product), "shareOfProduct": .number(fastest / product),
      "optimizers": .object(rows),
    ])
  }

  private static func median(_ repetitions: Int, _ body: () throws -> Void) throws -> Double {
    try body()
    return Spread(
      try (0..<repetitions).map { _ in
        let start = SystemClock.seconds
        try body()
        return SystemClock.seconds - start
      }
    ).median
  }

  private static func update(
    _ rule: UpdateRule, _ source: ModelSource, _ repetitions: Int
  ) throws -> Double {
    let layout = rule.layout
    let gradient = Arena<Float>(count: layout.count)
    var random = CounterGenerator(seed: 1, .synthesis)
    for slot in layout.slots {
      for index in slot.range { gradient.buffer[index] = Float(random.nextUniform() - 0.5) / 100 }
    }
    let sums = Arena<Double>(count: rule.blocks.count)
    for block in rule.blocks.indices {
      sums.buffer[block] = rule.measure(block: block, in: UnsafeBufferPointer(gradient.buffer))
    }
    let parameters = UnsafeMutableBufferPointer(rebasing: source.parameters[..<layout.count])
    var step = 0
    return try median(repetitions) {
      try rule.prepare(step: step, blockSums: UnsafeBufferPointer(sums.buffer))
      try rule.apply(gradient: UnsafeBufferPointer(gradient.buffer), parameters: parameters)
      step += 1
    }
  }

  /// The forward and backward pass of the batch, in the shards that a run would cut it to.
  private static func gradient(_ source: ModelSource, _ options: Options) throws -> Double {
    let alone = SoloCollective()
    let shards = FoldPlan.defaultShards(batchSize: options.batchSize)
    let plan = try FoldPlan(shards: shards, of: source, on: alone)
    let accumulator = ShardAccumulator(plan, rank: 0)
    let sum = Arena<Float>(count: plan.layout.count)
    let scalars = try ScalarFold(runs: plan.shardRuns, metrics: source.metricColumns, on: alone)
    let batch = StepBatch(
      step: 0, epoch: 0, examples: Array(0..<options.batchSize)[...], shards: shards)
    source.memory.initialize(seed: 1)
    return try median(options.repetitions) {
      try scalars.gather { records in
        try source.computeShards(
          of: batch, into: [sum.buffer], records: records, accumulator: accumulator)
      }
    }
  }

  /// GFLOP/s of a product of two matrices of 1024 rows and columns.
  private static func productRate(_ repetitions: Int) throws -> Double {
    let size = 1024
    let arenas = (0..<3).map { _ in Arena<Float>(count: size * size) }
    for arena in arenas { arena.buffer.update(repeating: 0.5) }
    let scratch = Arena<Float>(
      count: MatrixProducts.scratch(rows: size, terms: size, columns: size))
    let products = MatrixProducts()
    let seconds = try median(repetitions) {
      products.transposed(
        arenas[0].base, arenas[1].base, arenas[2].base, rows: size, terms: size, columns: size,
        scratch: scratch.base)
    }
    return 2 * Double(size * size * size) / seconds / 1e9
  }
}
