import LockstepEngine
import LockstepFiles
import LockstepOptimization

/// Norm, clip, Adam and max-norm over many parameters, against the time that memory needs for the
/// same bytes: the gradient read for the norm; gradient, parameter and two moments read, the latter
/// three written. One thread.
public enum UpdateBenchmark {
  public struct Options: Sendable {
    /// The number of parameters, in matrices of 1024 columns.
    public var parameters = 10_000_000
    public var clip = 1.0
    public var maxNorm: Float = 3
    public var repetitions = 15

    public init() {}
  }

  public struct Result: Sendable {
    public let parameters: Int
    /// Seconds of the update.
    public let update: Spread
    /// Seconds of the loops that move the same bytes.
    public let stream: Spread
    /// The stream's time over the update's: the share of the bound that is reached. The median
    /// over pairs of measurements that were taken side by side.
    public let share: Spread

    public var json: JSONValue {
      .object([
        "benchmark": .string("update"), "parameters": .integer(parameters),
        "bytesPerParameter": .integer(32), "update": update.json, "stream": stream.json,
        "shareOfStream": share.json,
      ])
    }
  }

  /// Measures.
  public static func run(_ options: Options = Options()) throws -> Result {
    let columns = 1024
    let rows = max(options.parameters / columns, 1)
    let rowsEach = min(rows, 1024)
    let layout = FlatLayout(
      (0..<(rows / rowsEach)).map { ("\($0).weight", [rowsEach, columns]) })
    let rule = try UpdateRule(
      layout: layout, chain: Chain(ClipByGlobalNorm(options.clip)) + .adam(),
      constraints: layout.slots.map { _ in .maxNorm(options.maxNorm) })
    let parameters = Arena<Float>(count: layout.count)
    let gradient = Arena<Float>(count: layout.count)
    var random = CounterGenerator(seed: 1, .synthesis)
    for index in 0..<layout.count {
      parameters.buffer[index] = Float(random.nextUniform() - 0.5) / 5
      gradient.buffer[index] = Float(random.nextUniform() - 0.5)
    }
    let sums = Arena<Double>(count: rule.blocks.count)
    let others = (0..<4).map { _ in Arena<Float>(count: layout.count) }
    let streams = Streams()

    var step = 0
    func update() throws {
      for block in rule.blocks.indices {
        sums.buffer[block] = rule.measure(block: block, in: UnsafeBufferPointer(gradient.buffer))
      }
      try rule.prepare(step: step, blockSums: UnsafeBufferPointer(sums.buffer))
      try rule.apply(
        gradient: UnsafeBufferPointer(gradient.buffer), parameters: parameters.buffer)
      step += 1
    }
    func stream() {
      streams.read(UnsafeBufferPointer(others[3].buffer))
      streams.update(others)
    }
    for _ in 0..<2 {
      try update()
      stream()
    }
    var updates: [Double] = []
    var bounds: [Double] = []
    for _ in 0..<options.repetitions {
      let start = Clock.wall()
      try update()
      let middle = Clock.wall()
      stream()
      updates.append(middle - start)
      bounds.append(Clock.wall() - middle)
    }
    return Result(
      parameters: layout.count, update: Spread(updates), stream: Spread(bounds),
      share: Spread(zip(bounds, updates).map { $0 / $1 }))
  }
}
