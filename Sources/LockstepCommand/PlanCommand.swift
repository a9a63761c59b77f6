import Lockstep
import LockstepBenchmark
import LockstepConfiguration
import LockstepFiles

/// `lockstep plan`: what a run would cost on other numbers of ranks.
enum PlanCommand: Command {
  static let name = "plan"
  static let usage = "CONFIG.json --nodes N --ranks-per-node R [OPTIONS]"
  static let summary = "predict step time, efficiency and memory on many ranks"
  static let discussion = """
    Measures a shard's forward and backward pass, the additions of the fold and the update on this
    machine, for a few seconds, and predicts from them and from the link's latency and bandwidth.
    Started on as many ranks as a node will have (mpirun -n R lockstep plan ...) it measures with the
    node that full. docs/cost-model.md has the formulas, and how far they were off.
    """
  static let options =
    NamedConfiguration.options + [
      .option("--nodes", "N", "the number of nodes (default 1)"),
      .option("--ranks-per-node", "R", "the ranks of a node (default: those of this job)"),
      .option("--bandwidth", "GBITS", "the link of a node, in Gbit/s each way (default 10)"),
      .option(
        "--latency", "MICROSECONDS", "the time of an empty message between nodes (default 30)"),
      .option("--up-to", "P", "the largest number of ranks in the tables (default 1024)"),
      .flag("--json", "print one line of JSON"),
    ]

  /// The most nodes, ranks of a node, and ranks of a table.
  private static let mostRanks = 65536

  static func run(_ arguments: Arguments) throws -> Int32 {
    let path = try arguments.single("the configuration's path")
    let nodes = try arguments.integer("--nodes", atLeast: 1, atMost: mostRanks) ?? 1
    let ranksPerNode = try arguments.integer("--ranks-per-node", atLeast: 1, atMost: mostRanks)
    let limit = try arguments.integer("--up-to", atLeast: 1, atMost: mostRanks) ?? 1024
    let link = NetworkLink(
      latency: try number("--latency", arguments, default: 30) * 1e-6,
      bandwidth: try number("--bandwidth", arguments, default: 10) * 1e9 / 8)
    _ = try arguments.overrides()
    return try Job.run { collective in
      guard collective.sharesOneNode else {
        throw ArgumentError(
          description:
            "the ranks of this job are on \(collective.nodes.count) nodes; start it on one "
            + "node, and give the others by '--nodes'")
      }
      let named = try NamedConfiguration(path, arguments, on: collective)
      let model = try measure(named.configuration, link, on: collective)
      guard collective.isRoot else { return ExitCode.done }
      let tables = try ScalingTables(
        model, shards: named.configuration.shards, nodes: nodes,
        ranksPerNode: ranksPerNode ?? collective.size, limit: limit)
      if arguments.has("--json") {
        Console.line(tables.json.compactText)
      } else {
        Console.text(tables.text)
      }
      return ExitCode.done
    }
  }

  private static func number(
    _ name: String, _ arguments: Arguments, default fallback: Double
  ) throws -> Double {
    guard let text = arguments.value(name) else { return fallback }
    guard let value = Double(text), value > 0, value.isFinite else {
      throw ArgumentError(description: "'\(name)' must be a positive number; found '\(text)'")
    }
    return value
  }

  private static func measure(
    _ configuration: RunConfiguration, _ link: NetworkLink, on collective: MPICollective
  ) throws -> CostModel {
    guard configuration.hessianFree == nil else {
      throw ArgumentError(
        description: "a Hessian-free step takes as many passes as its solver wants, which is not "
          + "predicted; plan a configuration with an 'optimizer'")
    }
    let program = ResidentMemory.proportionalBytes
    let data = try collective.together { try configuration.data.load() }
    let dataBytes = max(ResidentMemory.proportionalBytes - program, 0)
    let source = try configuration.source(data)
    let rule = try Training.rule(
      source, configuration.update.chain(totalSteps: 1_000_000),
      configuration.trainingOptions, owning: nil)
    let work = try CostMeasurement.run(
      source: source, rule: rule,
      shardSize: max(configuration.batchSize / configuration.shards, 1),
      threads: configuration.threads, examples: data.training.count, dataBytes: dataBytes,
      programBytes: program, on: collective)
    return CostModel(
      work: work, link: link, sharing: configuration.sharing, wire: configuration.wire)
  }
}
