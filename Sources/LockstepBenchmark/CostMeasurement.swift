import LockstepPlatform
import LockstepCollective
import LockstepFold
internal import CLockstepKernels
import LockstepEngine
import LockstepOptimization
import LockstepTraining

/// Measures the parts of a step that ``CostModel`` puts together, on a model and an update rule as a
/// run has them. Medians; where several ranks measure at once, so that they share memory as they
/// will in a run, the slowest of them counts. Where there are more ranks than processors, means.
package struct CostMeasurement {
  private let source: ModelSource
  private let rule: UpdateRule
  private let shardSize: Int
  private let threads: Int
  private let dataset: Int
  private let collective: any Collective
  private let seconds: Double

  /// Measures everything. Called by all ranks with equal arguments; the result is the same on all.
  ///
  /// - Parameters:
  ///   - source: the model; its parameters do not stay what they are.
  ///   - rule: clips, optimizer and constraints of all parameters; its state neither.
  ///   - shardSize: the examples of a shard.
  ///   - threads: the threads that the source computes with.
  ///   - examples: the number of examples in the source's data.
  ///   - dataBytes: the memory of all examples.
  ///   - programBytes: what the process held before the model was made.
  ///   - seconds: roughly how long each part is measured.
  /// - Throws: `GraphError`, `UpdateError`, and what the collective throws.
  public static func run(
    source: ModelSource, rule: UpdateRule, shardSize: Int, threads: Int, examples: Int,
    dataBytes: Int, programBytes: Int, on collective: any Collective, seconds: Double = 0.7
  ) throws -> CostModel.Work {
    let measurement = CostMeasurement(
      source: source, rule: rule, shardSize: shardSize, threads: threads, dataset: examples,
      collective: collective, seconds: seconds)
    var work = CostModel.Work(
      layout: source.layout, gradientSlotCount: source.gradientSlotCount)
    work.shardSize = shardSize
    work.threads = threads
    work.recordColumns = 3 + source.metricColumns
    try measurement.measureShards(&work)
    try measurement.measureBlocks(&work)
    try measurement.measureUpdate(&work)
    try measurement.measureProducts(&work)
    if collective.size > 1 {
      let rounds = Int.bitWidth - (collective.size - 1).leadingZeroBitCount
      work.meeting = try measurement.median { try collective.barrier() } / Double(rounds)
      try measurement.measureFold(&work)
    }
    work.memory = try measurement.memory(dataBytes, programBytes)
    return work
  }

  /// What stands for several times. A rank that shares its processor is either stopped in a short
  /// time or not, and the median is one of the two: there the mean counts, as over a run.
  private func typical(_ times: [Double]) -> Double {
    collective.size * threads > Processors.online
      ? times.reduce(0, +) / Double(times.count) : Spread(times).median
  }

  /// The typical time of `body`, of the slowest rank.
  private func median(_ body: () throws -> Void) throws -> Double {
    try body()
    let start = SystemClock.seconds
    try body()
    let pace = try collective.allgather(SystemClock.seconds - start).max()!
    let repetitions = min(max(Int(seconds / pace), 5), 2000)
    try collective.barrier()
    let times = try (0..<repetitions).map { _ in
      let start = SystemClock.seconds
      try body()
      return SystemClock.seconds - start
    }
    return try collective.allgather(typical(times)).max()!
  }

  // MARK: Compute

  /// As many shards as there are threads, and four times as many: a line through both.
  private func measureShards(_ work: inout CostModel.Work) throws {
    var few = 1
    while few < threads { few *= 2 }
    let waves = [few, 4 * few].map { Double(($0 + threads - 1) / threads) }
    let times = try [few, 4 * few].map { try median(shards: $0) }
    // Where shards are so small that noise hides the slope, all of the time is theirs.
    let slope = (times[1] - times[0]) / (waves[1] - waves[0])
    work.shard = slope > 0 ? slope : times[1] / waves[1]
    work.fixed = max(times[0] - waves[0] * work.shard, 0)
  }

  private func median(shards: Int) throws -> Double {
    let alone = SoloCollective()
    let plan = try FoldPlan(shards: shards, of: source, on: alone)
    let accumulator = ShardAccumulator(plan, rank: 0)
    let sum = Arena<Float>(count: plan.layout.count)
    let scalars = try ScalarFold(
      runs: plan.shardRuns, metrics: source.metricColumns, on: alone)
    let batch = StepBatch(
      step: 0, epoch: 0, examples: (0..<shards * shardSize).map { $0 % dataset }[...],
      shards: shards)
    guard lockstep_flush_denormals() != 0 else { throw StepError.noFlushToZero }
    return try median {
      try scalars.gather { records in
        try source.computeShards(
          of: batch, into: [sum.buffer], records: records, accumulator: accumulator)
      }
    }
  }

  // MARK: Fold and update

  /// An addition of two sums, and dividing and measuring, block by block.
  private func measureBlocks(_ work: inout CostModel.Work) throws {
    let plan = try FoldPlan(
      shards: 2, ranks: 2, layout: source.layout, gradientSlotCount: source.gradientSlotCount)
    let count = max(plan.layout.count, 1)
    let arenas = (0..<3).map { _ in Arena<Float>(count: count) }
    let executor = FoldExecutor(plan)
    let operands = arenas[..<2].map { FoldOperand(base: UnsafePointer($0.base)) }
    let kernels: UnsafePointer<lockstep_arena_kernels> = lockstep_arena_kernels_for(
      lockstep_isa(rawValue: InstructionSet.current.rawValue))
    func add() {
      for block in plan.blocks {
        operands.withUnsafeBufferPointer {
          executor.combine(block, of: $0, into: arenas[2].base)
        }
      }
    }
    let addition = try median(add)
    let both = try median {
      for (index, block) in plan.blocks.enumerated() {
        operands.withUnsafeBufferPointer {
          executor.combine(block, of: $0, into: arenas[2].base)
        }
        let values = arenas[2].base + block.offset
        kernels.pointee.divide(values, values, 128, block.count)
        if index < plan.gradientBlockCount {
          _ = rule.measure(block: index, in: UnsafeBufferPointer(arenas[2].buffer))
        }
      }
    }
    work.addition = addition / Double(count)
    work.normalisation = max(both - addition, 0) / Double(count)
  }

  /// An addition as several ranks do it, who read from where their peers have just written, and what
  /// it costs to read the sum from the owners of slices instead of one's own cache.
  private func measureFold(_ work: inout CostModel.Work) throws {
    var shards = 1
    while shards < collective.size { shards *= 2 }
    let plan = try FoldPlan(
      shards: shards, ranks: collective.size, layout: source.layout,
      gradientSlotCount: source.gradientSlotCount)
    let exchange = try collective.makeExchange(plan)
    let streams = Streams()
    var folds: [Double] = []
    var readings: [Double] = []
    for _ in 0..<30 {
      for partial in exchange.partials { partial.update(repeating: 1e-3) }
      try collective.barrier()
      let start = SystemClock.seconds
      try exchange.combine { _ in }
      try exchange.gather()
      let folded = SystemClock.seconds
      streams.read(UnsafeBufferPointer(exchange.folded))
      let first = SystemClock.seconds
      streams.read(UnsafeBufferPointer(exchange.folded))
      folds.append(folded - start)
      readings.append((first - folded) - (SystemClock.seconds - first))
    }
    func slowest(_ times: [Double]) throws -> Double {
      try collective.allgather(typical(times)).max()!
    }
    let slice = Double(plan.slices.map(\.count).max() ?? 1)
    work.addition = try slowest(folds) / max(slice * Double(plan.partialCount - 1), 1)
    work.reading = max(try slowest(readings), 0) / max(Double(plan.layout.count) - slice, 1)
  }

  private func measureUpdate(_ work: inout CostModel.Work) throws {
    let layout = rule.layout
    let gradient = Arena<Float>(count: layout.count)
    for slot in layout.slots { for index in slot.range { gradient.buffer[index] = 1e-3 } }
    let sums = Arena<Double>(count: rule.blocks.count)
    for block in rule.blocks.indices {
      sums.buffer[block] = rule.measure(block: block, in: UnsafeBufferPointer(gradient.buffer))
    }
    let parameters = UnsafeMutableBufferPointer(rebasing: source.parameters[..<layout.count])
    // A constraint of heads finds none to scale.
    let logits = Arena<Double>(count: rule.headCount)
    let operations = rule.matrixOperations
    let matrices = TimedMatrices(layout)
    if operations.contains(where: { $0 != nil }) { rule.matrixExchange = matrices }
    defer { rule.matrixExchange = nil }
    var step = 0
    func update() throws {
      rule.tell(largestLogits: UnsafeBufferPointer(logits.buffer))
      try rule.prepare(step: step, blockSums: UnsafeBufferPointer(sums.buffer))
      try rule.apply(gradient: UnsafeBufferPointer(gradient.buffer), parameters: parameters)
      step += 1
    }
    let time = try median(update)
    let usual = try collective.allgather(
      matrices.seconds.isEmpty ? 0 : Spread(matrices.seconds).median
    ).max()!
    work.update = max(time - usual, 0) / Double(max(source.layout.count, 1))
    // The mean over a period; what comes more rarely than in every hundredth update is left out.
    let period = min(rule.matrixPeriod, 100)
    while operations.contains(where: { $0 != nil }), matrices.seconds.count < 1 + period {
      try update()
    }
    // Times are as operations.
    let whole = try collective.allgather(
      matrices.mean(ofLast: max(matrices.seconds.count - 1, 1) / period * period)
    ).max()!
    let all = operations.reduce(0) { $0 + ($1 ?? 0) }
    work.matrices = operations.indices.compactMap { slot in
      operations[slot].map {
        CostModel.MatrixWork(
          values: layout.slots[slot].count, seconds: whole * $0 / all,
          state: rule.matrixStateBytes(of: slot..<slot + 1))
      }
    }
  }

  // MARK: Products

  /// The linear maps whose gradients some batch is made of factors of, and the rate of the largest.
  private func measureProducts(_ work: inout CostModel.Work) throws {
    func factors(shards: Int) throws -> SufficientFactors? {
      try source.sufficientFactors(
        of: StepBatch(
          step: 0, epoch: 0, examples: Array(repeating: 0, count: shards * shardSize)[...],
          shards: shards), travel: false)
    }
    // Those of the smallest batch are those of all.
    guard let smallest = try factors(shards: 1) else { return }
    for (slot, product) in smallest.products.enumerated() {
      guard let product else { continue }
      work.linearMaps[slot] = LinearMapShape(
        outputs: product.rows, inputs: product.columns, isFirst: product.input != nil)
    }
    let several = try factors(shards: 4) ?? smallest
    let largest = several.products.compactMap { $0 }.max {
      $0.rows * $0.columns < $1.rows * $1.columns
    }!  // products would be nil as a whole without one
    let base = Arena<Float>(count: several.count)
    let gradient = Arena<Float>(count: largest.rows * largest.columns)
    let time = try median {
      several.multiply(largest, rows: 0..<largest.rows, of: base.base, into: gradient.base)
    }
    work.productRate =
      2 * Double(several.examples) * Double(largest.rows * largest.columns) / time
  }

  // MARK: Memory

  private func memory(_ data: Int, _ program: Int) throws -> CostModel.Memory {
    let plan = try source.plan(examples: shardSize)
    var memory = CostModel.Memory()
    memory.program = program
    memory.data = data
    memory.parameters = 4 * source.memory.parameters.count
    memory.model = 4 * source.memory.runningStatistics.count + plan.packedBytes
    memory.activations = plan.laneBytes
    memory.optimizer =
      rule.state.reduce(0) { $0 + $1.storage.byteCount }
      - rule.matrixStateBytes(of: rule.layout.slots.indices)
    memory.packedLeaf = plan.leavesAreCanonical ? 0 : 4 * plan.leafCount
    return memory
  }
}

extension StateEntry.Storage {
  /// The bytes of the values at hand.
  fileprivate var byteCount: Int {
    switch self {
    case .arena(let values, _), .floats(let values): values.count * MemoryLayout<Float>.stride
    case .doubles(let values): values.count * MemoryLayout<Double>.stride
    case .integers(let values): values.count * MemoryLayout<Int64>.stride
    }
  }
}
