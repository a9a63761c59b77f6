import Lockstep
import LockstepBenchmark
import LockstepFiles

/// `lockstep benchmark`: how fast this machine trains, and how near its parts are to their bounds.
enum BenchmarkCommand: Command {
  static let name = "benchmark"
  static let usage = "step | scaling | ceiling | update | optimizers | fold | kernels [OPTIONS]"
  static let summary = "measure steps, scaling, updates, folds and kernels, and what bounds them"
  static let discussion = """
    step      whole training steps, on the ranks that mpirun starts
    scaling   steps of all ranks together, against all ranks each for itself at the same time
    ceiling   steps, against their bare primitives and memory moving what fold and update must
    update    norm, clip, Adam and max-norm, against memory moving the same bytes; several ranks
              each update their part
    optimizers  an update by each optimizer, beside a batch's gradient; one rank
    fold      adding gradients over ranks, against MPI_Allreduce as the job has it tuned
    kernels   a shard's forward and backward pass, against its bare primitives on cold operands

    Results are medians after a warm-up, with the smallest and largest measurement beside them.
    """
  static let options: [OptionSpecification] = [
    .option(
      "--model", "NAME",
      BenchmarkModel.allCases.map(\.rawValue).joined(separator: ", ") + " (all but update, fold)"),
    .option(
      "--sequence", "N",
      "the positions of an example (lstm, gpt, gpt-wide; default 64, gpt-wide 256)"),
    .option(
      "--batch", "N",
      "the global batch size (step, ceiling; default 128), or a rank's (scaling; 64)"),
    .option("--shards", "L", "the number of logical shards (step, ceiling), or a rank's (scaling)"),
    .option("--shard-size", "N", "the examples of a shard (kernels; default 32)"),
    .option("--threads", "N", "threads a rank (step, scaling; default 1)"),
    .option("--windows", "N", "how often to measure (step, ceiling; default 7, scaling; 15)"),
    .option(
      "--seconds", "S", "the length of a measurement (step, ceiling; default 0.5, scaling; 0.4)"),
    .option("--wire", "NAME", "how gradients travel: float32 or bfloat16 (step, scaling)"),
    .option("--update", "NAME", "automatic, sharded or replicated (step, ceiling, scaling)"),
    .option("--reduction", "NAME", "tree or allreduce (step; default tree)"),
    .option("--bucket", "N", "the bytes of gradients that travel together between nodes (step)"),
    .option("--precision", "NAME", "float32 or bfloat16 (step, ceiling, kernels; default float32)"),
    .option("--parameters", "N", "the number of parameters (update; default 10000000)"),
    .option("--bytes", "N", "the bytes of a gradient (fold; default 4194304)"),
    .flag("--json", "print the result as one line of JSON"),
  ]

  static func run(_ arguments: Arguments) throws -> Int32 {
    let kind = try arguments.single("what to measure (\(usage))")
    guard let measure = measurements[kind] else {
      let hint = NearestName.find(kind, among: measurements.keys.sorted())
      throw ArgumentError(
        description: "unknown benchmark '\(kind)'"
          + (hint.map { "; did you mean '\($0)'?" } ?? "; see lockstep benchmark --help"))
    }
    let known = Self.known[kind, default: []]
    if let idle = arguments.names.first(where: { $0 != "--json" && !known.contains($0) }) {
      throw ArgumentError(
        description: "'\(idle)' has no effect on 'benchmark \(kind)', which takes "
          + known.joined(separator: ", "))
    }
    let run = try measure(arguments)
    return try Job.run { collective in
      let result = try run(collective)
      if collective.isRoot {
        Console.line(arguments.has("--json") ? result.compactText : Self.shown(result).prettyText)
      }
      return 0
    }
  }

  /// The options that each benchmark takes, beside `--json`.
  private static let known: [String: [String]] = {
    let step = [
      "--model", "--sequence", "--batch", "--shards", "--threads", "--windows", "--seconds",
      "--wire", "--update",
    ]
    return [
      "step": step + ["--precision", "--reduction", "--bucket"], "ceiling": step + ["--precision"],
      "scaling": step, "update": ["--parameters"], "fold": ["--bytes"],
      "optimizers": ["--model", "--sequence", "--batch"],
      "kernels": ["--model", "--sequence", "--shard-size", "--precision"],
    ]
  }()

  /// A result with the digits that a measurement has; `--json` keeps all.
  private static func shown(_ value: JSONValue) -> JSONValue {
    switch value {
    case .number(let number): .number(Double(readable(number, digits: 5)) ?? number)
    case .array(let elements): .array(elements.map(shown))
    case .object(let object):
      .object(
        object.members.reduce(into: JSONObject()) { $0[$1.key] = shown($1.value) })
    default: value
    }
  }

  /// Reads the options of a benchmark and returns what runs it.
  private typealias Measurement =
    @Sendable (Arguments) throws -> (MPICollective) throws -> JSONValue

  private static let measurements: [String: Measurement] = [
    "step": { arguments in
      var options = try stepOptions(arguments)
      let reduction =
        try choice("--reduction", among: GradientReduction.allCases.map(\.rawValue), arguments)
        .flatMap(GradientReduction.init) ?? .tree
      if reduction != .tree { options.sharing = .replicated }
      let bucketBytes = try arguments.integer("--bucket", atLeast: 1)
      return { [options] in
        let collective = try Job.ranks($0, adding: reduction)
        if let bucketBytes { collective.bucketBytes = bucketBytes }
        return try StepBenchmark.run(options, on: collective).json
      }
    },
    "scaling": { arguments in
      var options = ScalingBenchmark.Options()
      try read(arguments, into: &options.step)
      options.rounds = try arguments.integer("--windows", atLeast: 1) ?? options.rounds
      options.seconds = try seconds(arguments) ?? options.seconds
      return { [options] in try ScalingBenchmark.run(options, on: $0).json }
    },
    "ceiling": { arguments in
      let options = try stepOptions(arguments)
      return { try CeilingBenchmark.run(options, on: $0).json }
    },
    "update": { arguments in
      var options = UpdateBenchmark.Options()
      options.parameters =
        try arguments.integer("--parameters", atLeast: 1024) ?? options.parameters
      return { [options] in try UpdateBenchmark.run(options, on: $0).json }
    },
    "optimizers": { arguments in
      var options = OptimizerBenchmark.Options()
      options.model = try model(arguments)
      options.sequence = try arguments.integer("--sequence", atLeast: 1)
      options.batchSize = try arguments.integer("--batch", atLeast: 2) ?? options.batchSize
      return { [options] _ in try OptimizerBenchmark.run(options) }
    },
    "fold": { arguments in
      var options = FoldBenchmark.Options()
      options.bytes = try arguments.integer("--bytes", atLeast: 4096) ?? options.bytes
      return { [options] in try FoldBenchmark.run(options, on: $0).json }
    },
    "kernels": { arguments in
      var options = KernelBenchmark.Options()
      options.model = try model(arguments)
      options.sequence = try arguments.integer("--sequence", atLeast: 1)
      options.shardSize = try arguments.integer("--shard-size", atLeast: 2) ?? options.shardSize
      options.plan.precision = try precision(arguments)
      return { [options] _ in try KernelBenchmark.run(options).json }
    },
  ]

  /// What a step is and how often and how long it is measured.
  private static func stepOptions(_ arguments: Arguments) throws -> StepBenchmark.Options {
    var options = StepBenchmark.Options()
    try read(arguments, into: &options)
    options.windows = try arguments.integer("--windows", atLeast: 1) ?? options.windows
    options.seconds = try seconds(arguments) ?? options.seconds
    options.plan.precision = try precision(arguments)
    return options
  }

  /// Reads what a step is: the model, the batch, the shards, the threads.
  private static func read(
    _ arguments: Arguments, into options: inout StepBenchmark.Options
  ) throws {
    options.model = try model(arguments)
    options.sequence = try arguments.integer("--sequence", atLeast: 1)
    options.batchSize = try arguments.integer("--batch", atLeast: 2) ?? options.batchSize
    options.shards = try arguments.integer("--shards", atLeast: 1)
    options.threads = try arguments.integer("--threads", atLeast: 1) ?? options.threads
    options.wire =
      try choice("--wire", among: ["float32", "bfloat16"], arguments) == "bfloat16"
      ? .bfloat16(level: 0) : .float32
    // As a configuration's `update: "automatic"` has it.
    options.sharing =
      try choice("--update", among: UpdateSharing.allCases.map(\.rawValue), arguments)
      .flatMap(UpdateSharing.init) ?? (options.wire == .float32 ? .automatic : .replicated)
  }

  private static func seconds(_ arguments: Arguments) throws -> Double? {
    guard let text = arguments.value("--seconds") else { return nil }
    guard let seconds = Double(text), seconds > 0, seconds < 3600 else {
      throw ArgumentError(
        description: "'--seconds' must be a number between 0 and 3600; found '\(text)'")
    }
    return seconds
  }

  private static func model(_ arguments: Arguments) throws -> BenchmarkModel {
    try choice("--model", among: BenchmarkModel.allCases.map(\.rawValue), arguments)
      .flatMap(BenchmarkModel.init) ?? .mlp
  }

  private static func precision(_ arguments: Arguments) throws -> Precision {
    try choice("--precision", among: Precision.allCases.map(\.rawValue), arguments)
      .flatMap(Precision.init) ?? .float32
  }

  /// The value of an option that must be one of several names; nil where it is not given.
  private static func choice(
    _ option: String, among known: [String], _ arguments: Arguments
  ) throws -> String? {
    guard let name = arguments.value(option) else { return nil }
    if known.contains(name) { return name }
    let hint = NearestName.find(name, among: known).map { "; did you mean '\($0)'?" } ?? ""
    throw ArgumentError(
      description: "'\(option)' must be one of \(known.joined(separator: ", ")); found '\(name)'"
        + hint)
  }
}
