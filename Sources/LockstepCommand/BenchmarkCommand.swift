import Lockstep
import LockstepBenchmark
import LockstepFiles

/// `lockstep benchmark`: how fast this machine trains, and how near its parts are to their bounds.
enum BenchmarkCommand: Command {
  static let name = "benchmark"
  static let usage = "step | update | fold | kernels [OPTIONS]"
  static let summary = "measure steps, updates, folds and kernels"
  static let discussion = """
    step      whole training steps, on the ranks that mpirun starts
    update    norm, clip, Adam and max-norm, against memory moving the same bytes
    fold      adding gradients over ranks, against MPI_Allreduce as the job has it tuned
    kernels   a shard's forward and backward pass, against its bare primitives on cold operands

    Results are medians after a warm-up, with the smallest and largest measurement beside them.
    """
  static let options: [OptionSpecification] = [
    .option("--model", "NAME", "mlp, cnn, resnet20, resnet32 or resnet56 (step, kernels)"),
    .option("--batch", "N", "the global batch size (step; default 128)"),
    .option("--shards", "L", "the number of logical shards (step)"),
    .option("--shard-size", "N", "the examples of a shard (kernels; default 32)"),
    .option("--threads", "N", "threads a rank (step; default 1)"),
    .option("--windows", "N", "how often to measure (step; default 7)"),
    .option("--seconds", "S", "the length of a measurement (step; default 0.5)"),
    .option("--update", "NAME", "sharded or replicated (step; default sharded)"),
    .option("--reduction", "NAME", "tree or allreduce (step; default tree)"),
    .option("--precision", "NAME", "float32 (step)"),
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
    let run = try measure(arguments)
    return try Job.run { collective in
      let result = try run(collective)
      if collective.isRoot {
        Console.line(arguments.has("--json") ? result.compactText : result.prettyText)
      }
      return 0
    }
  }

  /// Reads the options of a benchmark and returns what runs it.
  private typealias Measurement =
    @Sendable (Arguments) throws -> (MPICollective) throws -> JSONValue

  private static let measurements: [String: Measurement] = [
    "step": { arguments in
      var options = StepBenchmark.Options()
      options.model = try model(arguments)
      options.batchSize = try arguments.integer("--batch", atLeast: 2) ?? options.batchSize
      options.shards = try arguments.integer("--shards", atLeast: 1)
      options.threads = try arguments.integer("--threads", atLeast: 1) ?? options.threads
      options.windows = try arguments.integer("--windows", atLeast: 1) ?? options.windows
      if let text = arguments.value("--seconds") {
        guard let seconds = Double(text), seconds > 0, seconds < 3600 else {
          throw ArgumentError(
            description: "'--seconds' must be a number between 0 and 3600; found '\(text)'")
        }
        options.seconds = seconds
      }
      if let precision = arguments.value("--precision"), precision != "float32" {
        throw ArgumentError(description: "'--precision' must be float32; found '\(precision)'")
      }
      let reduction =
        try choice("--reduction", among: GradientReduction.allCases.map(\.rawValue), arguments)
        .flatMap(GradientReduction.init) ?? .tree
      options.isSharded =
        try choice("--update", among: ["sharded", "replicated"], arguments) != "replicated"
        && reduction == .tree
      return { [options] in
        try StepBenchmark.run(options, on: try Job.ranks($0, adding: reduction)).json
      }
    },
    "update": { arguments in
      var options = UpdateBenchmark.Options()
      options.parameters =
        try arguments.integer("--parameters", atLeast: 1024) ?? options.parameters
      return { [options] _ in try UpdateBenchmark.run(options).json }
    },
    "fold": { arguments in
      var options = FoldBenchmark.Options()
      options.bytes = try arguments.integer("--bytes", atLeast: 4096) ?? options.bytes
      return { [options] in try FoldBenchmark.run(options, on: $0).json }
    },
    "kernels": { arguments in
      var options = KernelBenchmark.Options()
      options.model = try model(arguments)
      options.shardSize = try arguments.integer("--shard-size", atLeast: 2) ?? options.shardSize
      return { [options] _ in try KernelBenchmark.run(options).json }
    },
  ]

  private static func model(_ arguments: Arguments) throws -> BenchmarkModel {
    try choice("--model", among: BenchmarkModel.allCases.map(\.rawValue), arguments)
      .flatMap(BenchmarkModel.init) ?? .mlp
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
