import LockstepDistributed
import LockstepEngine
import LockstepFiles
import LockstepMPI
import LockstepTraining

/// Summing a gradient over all ranks, every rank having read the result, against MPI_Allreduce as
/// the job has it tuned.
public enum FoldBenchmark {
  public struct Options: Sendable {
    /// The bytes of a gradient.
    public var bytes = 4 << 20
    public var repetitions = 30

    public init() {}
  }

  public struct Result: Sendable {
    public let bytes: Int
    public let ranks: Int
    /// Seconds of the fold, of the slowest rank.
    public let fold: Spread
    /// Seconds of MPI_Allreduce, of the slowest rank.
    public let allreduce: Spread
    /// MPI_Allreduce's time over the fold's, of pairs that were measured side by side.
    public let ratio: Spread

    public var json: JSONValue {
      .object([
        "benchmark": .string("fold"), "bytes": .integer(bytes), "ranks": .integer(ranks),
        "fold": fold.json, "allreduce": allreduce.json, "ratio": ratio.json,
      ])
    }
  }

  /// What was folded is not what the ranks put in.
  public struct WrongSum: Error, CustomStringConvertible {
    public let description: String
  }

  /// Measures. Called by all ranks with equal options; the result is the same on all.
  public static func run(_ options: Options, on collective: MPICollective) throws -> Result {
    let ranks = collective.size
    let columns = 1024
    let rows = max(options.bytes / (4 * columns), 1)
    let layout = FlatLayout([("gradient", [rows, columns])])
    var shards = 1
    while shards < ranks { shards *= 2 }
    let plan = try FoldPlan(shards: shards, ranks: ranks, layout: layout)
    let exchange = try collective.makeExchange(plan)
    let own = Arena<Float>(count: layout.count)
    let sum = Arena<Float>(count: layout.count)
    own.buffer.update(repeating: 1)
    let streams = Streams()
    let communicator = collective.communicator
    var total: Float = 0

    func fold() throws {
      try exchange.combine { _ in }
      try exchange.gather()
      total = streams.read(UnsafeBufferPointer(exchange.folded))
    }
    func allreduce() throws {
      try communicator.allreduce(UnsafeBufferPointer(own.buffer), into: sum.buffer, .sum)
      total = streams.read(UnsafeBufferPointer(sum.buffer))
    }
    func time(_ body: () throws -> Void) throws -> Double {
      // The gradient has just been written, as behind a backward pass.
      for partial in exchange.partials {
        partial.update(repeating: 1 / Float(exchange.partials.count))
      }
      own.buffer.update(repeating: 1)
      try communicator.barrier()
      let start = Clock.wall()
      try body()
      return try communicator.allreduce(Clock.wall() - start, .maximum)
    }
    func check(_ what: String) throws {
      let expected = Float(ranks) * Float(layout.count)
      guard abs(total - expected) <= 1e-3 * expected else {
        throw WrongSum(description: "\(what) gave \(total), expected \(expected)")
      }
    }
    for _ in 0..<3 {
      _ = try time(fold)
      try check("the fold")
      _ = try time(allreduce)
      try check("MPI_Allreduce")
    }
    var folds: [Double] = []
    var reductions: [Double] = []
    for _ in 0..<options.repetitions {
      folds.append(try time(fold))
      reductions.append(try time(allreduce))
    }
    return Result(
      bytes: layout.count * 4, ranks: ranks, fold: Spread(folds), allreduce: Spread(reductions),
      ratio: Spread(zip(reductions, folds).map { $0 / $1 }))
  }
}
