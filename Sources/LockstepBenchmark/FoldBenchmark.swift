import LockstepPlatform
import LockstepFold
import LockstepDistributed
import LockstepEngine
import LockstepFiles
import LockstepMPI
import LockstepTraining

/// Summing a gradient over all ranks, every rank having read the result, against MPI_Allreduce as
/// the job has it tuned, and against memory moving what the fold must (``FoldStreams``).
///
/// Each is measured several times in a row, its input written anew each time, and then the next:
/// as in a job that does nothing else, what lies in the caches is its own and not another's. The
/// first measurement of each row warms up.
package enum FoldBenchmark {
  /// What to measure.
  package struct Options: Sendable {
    /// The bytes of a gradient.
    package var bytes = 4 << 20
    /// How often they take turns.
    package var turns = 8
    /// The measurements of a turn that count.
    package var repetitions = 8

    /// The defaults: 4 MiB, eight turns of eight.
    package init() {}
  }

  /// What was measured.
  package struct Result: Sendable {
    /// The bytes of a gradient.
    package let bytes: Int
    /// The number of ranks.
    package let ranks: Int
    /// Seconds of the fold, of the slowest rank.
    package let fold: Spread
    /// Seconds of MPI_Allreduce, of the slowest rank.
    package let allreduce: Spread
    /// MPI_Allreduce's time over the fold's: of each turn's medians.
    package let ratio: Spread
    /// Seconds of moving the fold's bytes and nothing else, of the slowest rank.
    package let streams: Spread
    /// The time of these over the fold's, of each turn's medians: the share of the bandwidth.
    package let shareOfStreams: Spread
    /// The bytes that all ranks read and write in a fold.
    package let streamedBytes: Int

    /// - Parameter times: of the fold, of MPI_Allreduce and of streams, turn by turn.
    init(bytes: Int, ranks: Int, _ times: [[[Double]]], streamedBytes: Int) {
      func overFold(_ one: [[Double]]) -> Spread {
        Spread(zip(one, times[0]).map { Spread($0).median / Spread($1).median })
      }
      let all = times.map { Spread($0.flatMap { $0 }) }
      self.bytes = bytes
      self.ranks = ranks
      self.streamedBytes = streamedBytes
      (fold, allreduce, streams) = (all[0], all[1], all[2])
      (ratio, shareOfStreams) = (overFold(times[1]), overFold(times[2]))
    }

    /// An object with all numbers.
    package var json: JSONValue {
      .object([
        "benchmark": .string("fold"), "bytes": .integer(bytes), "ranks": .integer(ranks),
        "fold": fold.json, "allreduce": allreduce.json, "ratio": ratio.json,
        "streams": streams.json, "shareOfStreams": shareOfStreams.json,
        "streamedBytes": .integer(streamedBytes),
        "streamedBytesPerSecond": .number(Double(streamedBytes) / streams.median),
      ])
    }
  }

  /// What was folded is not what the ranks put in.
  package struct WrongSum: Error, CustomStringConvertible {
    package let description: String
  }

  private static func plan(_ options: Options, ranks: Int) throws -> FoldPlan {
    let columns = 1024
    let rows = max(options.bytes / (4 * columns), 1)
    var shards = 1
    while shards < ranks { shards *= 2 }
    return try FoldPlan(
      shards: shards, ranks: ranks, layout: FlatLayout([("gradient", [rows, columns])]))
  }

  /// Measures. Called by all ranks with equal options; the result is the same on all.
  public static func run(_ options: Options, on collective: MPICollective) throws -> Result {
    let ranks = collective.size
    let plan = try plan(options, ranks: ranks)
    let layout = plan.layout
    let exchange = try collective.makeExchange(plan)
    let own = Arena<Float>(count: layout.count)
    let sum = Arena<Float>(count: layout.count)
    own.buffer.update(repeating: 1)
    let streams = Streams()
    let communicator = collective.communicator
    let bound = FoldStreams(plan, rank: collective.rank, exchange, streams)
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
    // The gradient has just been written, as behind a backward pass.
    func writePartials() {
      for partial in exchange.partials {
        partial.update(repeating: 1 / Float(exchange.partials.count))
      }
    }
    func time(_ body: () throws -> Void, behind write: () -> Void) throws -> Double {
      write()
      try communicator.barrier()
      let start = SystemClock.seconds
      try body()
      return try communicator.allreduce(SystemClock.seconds - start, .maximum)
    }
    func timeStreams(_ number: Int) throws -> Double {
      writePartials()
      return try communicator.allreduce(bound.seconds(meeting: communicator.barrier), .maximum)
    }
    func turn(
      _ what: String, _ body: () throws -> Void, behind write: () -> Void
    ) throws -> [Double] {
      _ = try time(body, behind: write)
      let expected = Float(ranks) * Float(layout.count)
      guard abs(total - expected) <= 1e-3 * expected else {
        throw WrongSum(description: "\(what) gave \(total), expected \(expected)")
      }
      return try (0..<options.repetitions).map { _ in try time(body, behind: write) }
    }
    let times = try takeTurns(
      options.turns,
      [
        { try turn("the fold", fold, behind: writePartials) },
        { try turn("MPI_Allreduce", allreduce, behind: { own.buffer.update(repeating: 1) }) },
        { try (0...options.repetitions).map(timeStreams).suffix(options.repetitions) },
      ])
    return Result(
      bytes: layout.count * 4, ranks: ranks, times,
      streamedBytes: try collective.allgather(bound.bytes).reduce(0, +))
  }

  /// The times of each measurement, turn by turn. A first turn touches pages and makes connections.
  private static func takeTurns(
    _ count: Int, _ measurements: [() throws -> [Double]]
  ) throws -> [[[Double]]] {
    let turns = try (0...count).map { _ in try measurements.map { try $0() } }.dropFirst()
    return measurements.indices.map { index in turns.map { $0[index] } }
  }
}
