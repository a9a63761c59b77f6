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
    func writeGradient() { own.buffer.update(repeating: 1) }
    func time(_ body: () throws -> Void, behind write: () -> Void) throws -> Double {
      write()
      try communicator.barrier()
      let start = SystemClock.seconds
      try body()
      return try communicator.allreduce(SystemClock.seconds - start, .maximum)
    }
    func timeStreams() throws -> Double {
      writePartials()
      return try communicator.allreduce(
        bound.seconds(meeting: communicator.barrier), .maximum)
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
    var times = Times()
    for number in 0...options.turns {
      let ofFold = try turn("the fold", fold, behind: writePartials)
      let ofReduction = try turn("MPI_Allreduce", allreduce, behind: writeGradient)
      let ofStreams = try (0...options.repetitions).map { _ in try timeStreams() }.dropFirst()
      if number == 0 { continue }  // pages are touched, connections made
      times.folds.append(ofFold)
      times.reductions.append(ofReduction)
      times.streams.append(Array(ofStreams))
    }
    return times.result(
      bytes: layout.count * 4, ranks: ranks,
      streamedBytes: try collective.allgather(bound.bytes).reduce(0, +))
  }

  /// The seconds of each turn's repetitions.
  private struct Times {
    var folds: [[Double]] = []
    var reductions: [[Double]] = []
    var streams: [[Double]] = []

    /// A turn's other times over its folds'.
    private func ratio(_ times: [[Double]]) -> Spread {
      Spread(zip(times, folds).map { Spread($0).median / Spread($1).median })
    }

    func result(bytes: Int, ranks: Int, streamedBytes: Int) -> Result {
      Result(
        bytes: bytes, ranks: ranks, fold: Spread(folds.flatMap { $0 }),
        allreduce: Spread(reductions.flatMap { $0 }), ratio: ratio(reductions),
        streams: Spread(streams.flatMap { $0 }), shareOfStreams: ratio(streams),
        streamedBytes: streamedBytes)
    }
  }
}
