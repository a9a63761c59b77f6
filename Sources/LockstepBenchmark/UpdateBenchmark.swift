import LockstepPlatform
import LockstepCollective
import LockstepFold
import LockstepEngine
import LockstepFiles
import LockstepOptimization
import LockstepTraining

/// Norm, clip, Adam and max-norm over many parameters, against the time that memory needs for the
/// same bytes: the gradient read for the norm; gradient, parameter and two moments read, the latter
/// three written.
///
/// One thread a rank. Several ranks each update the part that they own, as in a sharded update, and
/// share the sums of squares; the slowest counts, of the update as of the bound.
package enum UpdateBenchmark {
  /// What to measure.
  package struct Options: Sendable {
    /// The number of parameters, in matrices of 1024 columns.
    package var parameters = 10_000_000
    /// The global norm to clip at.
    package var clip = 1.0
    /// The radius that rows are kept within.
    package var maxNorm: Float = 3
    /// The number of measurements.
    package var repetitions = 15

    /// The defaults: ten million parameters.
    package init() {}
  }

  /// What was measured.
  package struct Result: Sendable {
    /// The number of parameters.
    package let parameters: Int
    /// The number of ranks.
    package let ranks: Int
    /// Seconds of the update.
    public let update: Spread
    /// Seconds of the loops that move the same bytes.
    package let stream: Spread
    /// The stream's time over the update's: the share of the bound that is reached. The median
    /// over pairs of measurements that were taken side by side.
    package let share: Spread

    /// - Parameters:
    ///   - updates: seconds of the update.
    ///   - streams: seconds of the loops, each measured beside the update with its index.
    package init(parameters: Int, ranks: Int, updates: [Double], streams: [Double]) {
      self.parameters = parameters
      self.ranks = ranks
      update = Spread(updates)
      stream = Spread(streams)
      share = Spread(zip(streams, updates).map { $0 / $1 })
    }

    /// An object with all numbers.
    package var json: JSONValue {
      .object([
        "benchmark": .string("update"), "parameters": .integer(parameters),
        "ranks": .integer(ranks), "bytesPerParameter": .integer(32), "update": update.json,
        "stream": stream.json,
        "shareOfStream": share.json,
      ])
    }
  }

  private static func fill(_ parameters: Arena<Float>, _ gradient: Arena<Float>) {
    var random = CounterGenerator(seed: 1, .synthesis)
    for index in parameters.buffer.indices {
      parameters.buffer[index] = Float(random.nextUniform() - 0.5) / 5
      gradient.buffer[index] = Float(random.nextUniform() - 0.5)
    }
  }

  /// Measures. Called by all ranks with equal options; the result is the same on all.
  public static func run(_ options: Options, on collective: any Collective) throws -> Result {
    let ranks = collective.size
    let columns = 1024
    let rows = max(options.parameters / columns, 1)
    let rowsEach = min(rows, 1024)
    let layout = FlatLayout(
      (0..<(rows / rowsEach)).map { ("\($0).weight", [rowsEach, columns]) })
    var shards = 1
    while shards < ranks { shards *= 2 }
    let plan = try FoldPlan(shards: shards, ranks: ranks, layout: layout)
    let owned = plan.gradientBlocks(ofRank: collective.rank)
    let rule = try UpdateRule(
      layout: layout, chain: Chain(ClipByGlobalNorm(options.clip)) + .adam(),
      constraints: layout.slots.map { _ in .maxNorm(options.maxNorm) },
      owning: ranks > 1 ? owned : nil)
    let parameters = Arena<Float>(count: layout.count)
    let gradient = Arena<Float>(count: layout.count)
    fill(parameters, gradient)
    let sums = Arena<Double>(count: rule.blocks.count)
    let tables = BlockTables(plan, on: collective)
    let count = plan.slices[collective.rank].count
    let others = (0..<4).map { _ in Arena<Float>(count: count) }
    let streams = Streams()

    var step = 0
    func update() throws {
      for block in owned {
        sums.buffer[block] = rule.measure(block: block, in: UnsafeBufferPointer(gradient.buffer))
      }
      try tables.gather(sums.buffer, width: 1)
      try rule.prepare(step: step, blockSums: UnsafeBufferPointer(sums.buffer))
      try rule.apply(
        gradient: UnsafeBufferPointer(gradient.buffer), parameters: parameters.buffer,
        gather: ranks > 1 ? { try tables.gather($0, width: $1) } : nil)
      step += 1
    }
    func stream() {
      streams.read(UnsafeBufferPointer(others[3].buffer))
      streams.update(others)
    }
    func time(_ body: () throws -> Void) throws -> Double {
      try collective.barrier()
      let start = SystemClock.seconds
      try body()
      return try collective.allgather(SystemClock.seconds - start).max()!
    }
    for _ in 0..<2 {
      try update()
      stream()
    }
    var updates: [Double] = []
    var bounds: [Double] = []
    for _ in 0..<options.repetitions {
      updates.append(try time(update))
      bounds.append(try time(stream))
    }
    return Result(parameters: layout.count, ranks: ranks, updates: updates, streams: bounds)
  }
}

/// Tables of numbers a block, of which each rank knows those of its own blocks.
private struct BlockTables {
  let plan: FoldPlan
  let collective: any Collective

  init(_ plan: FoldPlan, on collective: any Collective) {
    self.plan = plan
    self.collective = collective
  }

  /// Fills in the other ranks' rows of `width` numbers.
  func gather(_ table: UnsafeMutableBufferPointer<Double>, width: Int) throws {
    if collective.size == 1 { return }
    let counts = plan.blockSlices.map { $0.count * width * MemoryLayout<Double>.stride }
    let slice = plan.blockSlices[collective.rank]
    let rows = Array(table[slice.lowerBound * width..<slice.upperBound * width])
    try rows.withUnsafeBytes {
      try collective.allgather($0, counts: counts, into: UnsafeMutableRawBufferPointer(table))
    }
  }
}
