import Lockstep
import LockstepConfiguration
import LockstepFiles
import LockstepReports

/// `lockstep find-batch-size`: how fast each batch size is, and which is too large to be of use.
enum FindBatchSizeCommand: Command {
  static let name = "find-batch-size"
  static let usage = "CONFIG.json [OPTIONS]"
  static let summary = "find a batch size: how fast each is, and from which on it is wasted"
  static let discussion = """
    Steps of each batch size are made with the learning rate 0, so that all sizes see the same weights. What is
    printed is how many examples a second each does, the memory that a rank needs, data aside, and the
    gradient noise scale: the batch size beyond which more examples make a step hardly better. It grows while
    a model learns: --set initialWeights=RUN measures it with the weights of a run. The suggested size is the
    smallest that is nearly as fast as the fastest, up to the noise scale. Nothing is evaluated or saved. Another
    batch size usually wants another learning rate: find-rate comes next.
    """
  static let options =
    RunPreparation.options + [
      .option(
        "--sizes", "N,N,…",
        "the batch sizes (default: the configuration's, halved twice and doubled up to three times)"
      ),
      .option("--steps", "N", "the number of steps of each size (default 20)"),
      .flag("--json", "print a line of JSON a size, and one of the result"),
    ]

  /// Steps in front of those that count: caches and pages are cold.
  private static let warmup = 2

  static func run(_ arguments: Arguments) throws -> Int32 {
    Interruption.install()
    let path = try arguments.single("the configuration's path")
    let steps = try steps(arguments)
    let given = try sizes(arguments)
    try RunPreparation.check(arguments)
    return try Job.run { world in
      Interruption.install()
      let preparation = try RunPreparation(path, arguments, on: world)
      let named = preparation.named.configuration
      if named.hessianFree != nil {
        throw InputFailure(
          description:
            "\(path): find-batch-size needs an optimizer with a learning rate, and 'hessianFree' has none"
        )
      }
      let data = try preparation.data(of: named)
      let most = data.training.largestBatch
      let sizes = given ?? usualSizes(around: named.batchSize, most: most)
      if let large = sizes.last, large > most {
        throw InputFailure(
          description: "'--sizes' has \(large), and there are \(counted(most, "training example"))"
            + (most == data.training.count ? "" : " of any one padded length"))
      }
      var found = BatchSizeSuggestion()
      for size in sizes {
        let configuration = try named.overridden(
          by: overrides(named, batchSize: size, steps: steps + warmup), source: path)
        let isOther = configuration.data.identity != named.data.identity
        found.add(
          try test(
            preparation, configuration, isOther ? try preparation.data(of: configuration) : data))
        if world.isRoot, let last = found.sizes.last { show(last, json: arguments.has("--json")) }
      }
      if world.isRoot { show(found, json: arguments.has("--json")) }
      return ExitCode.done
    }
  }

  private static func steps(_ arguments: Arguments) throws -> Int {
    let text = arguments.value("--steps") ?? "20"
    guard let steps = Int(text), (2...1_000_000).contains(steps) else {
      throw ArgumentError(
        description: "'--steps' must be a whole number in 2...1000000; found '\(text)'")
    }
    return steps
  }

  /// The sizes that are asked for, in ascending order; nil where nothing is said.
  private static func sizes(_ arguments: Arguments) throws -> [Int]? {
    guard let text = arguments.value("--sizes") else { return nil }
    let sizes = text.split(separator: ",", omittingEmptySubsequences: false).map { Int($0) }
    guard let numbers = sizes as? [Int], numbers.allSatisfy({ $0 > 0 }),
      Set(numbers).count == numbers.count
    else {
      throw ArgumentError(
        description:
          "'--sizes' must be positive whole numbers with commas between them, each once; found '\(text)'"
      )
    }
    return numbers.sorted()
  }

  private static func usualSizes(around size: Int, most: Int) -> [Int] {
    let sizes = [size / 4, size / 2, size, 2 * size, 4 * size, 8 * size]
    return sizes.filter { $0 > 0 && $0 <= most }
  }

  /// What the configuration becomes: steps that move no weight, of batches that are all whole.
  private static func overrides(
    _ configuration: RunConfiguration, batchSize: Int, steps: Int
  ) -> [Override] {
    var optimizer = configuration.resolved["optimizer"]?.objectValue ?? JSONObject()
    optimizer["learningRate"] = 0
    optimizer["schedule"] = nil
    let pairs: [(String, JSONValue)] = [
      ("batchSize", .integer(batchSize)), ("optimizer", .object(optimizer)),
      ("steps", .integer(steps)), ("epochs", .integer(1_000_000_000)), ("data.dropLast", true),
      ("earlyStopping", .null), ("maxSeconds", .null), ("average", .null), ("nonFinite", "stop"),
    ]
    return pairs.map { Override(path: $0.0, value: $0.1) }
  }

  /// Makes the steps of a size. Called by all ranks; the root has the result.
  private static func test(
    _ preparation: RunPreparation, _ configuration: RunConfiguration,
    _ data: DataConfiguration.Parts
  ) throws -> BatchSizeSuggestion.Size {
    let collective = try preparation.ranks(for: configuration)
    let run = try preparation.run(configuration, data, on: collective)
    var size = BatchSizeSuggestion.Size(configuration.batchSize, memory: run.memoryNeed.total)
    let outcome = try run.trainer(
      directory: nil, agreement: try preparation.agreement(), evaluates: false
    ) { event in
      guard case .step(let report, _, let rate) = event, report.step > warmup else { return }
      size.add(norm: report.update.gradientNorm, examplesPerSecond: rate)
    }.run()
    if outcome.kind == .interrupted { throw Interrupted() }
    return size
  }

  private static func show(_ size: BatchSizeSuggestion.Size, json: Bool) {
    if json {
      Console.line(
        ([
          "batchSize": .integer(size.batchSize),
          "examplesPerSecond": .number(size.examplesPerSecond),
          "memory": .integer(size.memory), "meanSquareGradientNorm": .number(size.meanSquare),
        ] as JSONValue).compactText)
      return
    }
    Console.line(
      "batch size \(size.batchSize): \(readable(size.examplesPerSecond, digits: 3)) examples/s, "
        + "\(format(Double(size.memory) / 1e6, 1)) MB a rank, mean |g|² \(readable(size.meanSquare, digits: 3))"
    )
  }

  private static func show(_ found: BatchSizeSuggestion, json: Bool) {
    let scale = found.noiseScale
    if json {
      Console.line(
        ([
          "suggestedBatchSize": found.suggested.map { .integer($0) } ?? .null,
          "noiseScale": scale.map { .number($0) } ?? .null,
        ] as JSONValue).compactText)
      return
    }
    if let scale {
      Console.line(
        scale.isInfinite
          ? "gradient noise scale: more than these sizes show; take more --steps or larger --sizes"
          : "gradient noise scale \(readable(scale, digits: 2)): larger batches are hardly better steps"
      )
    }
    if let suggested = found.suggested { Console.line("suggested batch size \(suggested)") }
  }
}
