import LockstepCollective
import LockstepEngine

/// Gathers the records of all shards on every rank and adds them up by the fold's tree, so that all
/// ranks hold the same sums, in Double, whatever their number.
///
/// Each rank's requests travel along, whether it failed, and a stamp of what it worked on.
package final class ScalarFold {
  /// All ranks' requests of the last ``gather(requests:_:)``, combined.
  package private(set) var requests: StepRequests = []

  private let records: ShardRecords
  /// The words before each rank's records: its requests, two words, and its stamp.
  private static let control = 3

  private let collective: any Collective
  private let runs: [Range<Int>]
  private let width: Int
  private let counts: [Int]
  private let sent: Arena<Double>
  private let received: Arena<Double>
  private let tree: Arena<Double>
  private let order: TreeOrder
  /// The columns of metrics that are maxima.
  private let maxima: Range<Int>
  /// What kept this rank from computing its records.
  private var failure: (any Error)?

  /// A fold of records over contiguous runs of shards, one run a rank.
  ///
  /// - Parameters:
  ///   - runs: the shards of each rank, in rank order; they tile `0..<L`. L need not be a power of
  ///     two.
  ///   - metrics: the number of metrics beside the fixed columns.
  ///   - maxima: those of the metrics whose largest value is wanted, and not the sum.
  /// - Throws: ``ArgumentError`` where there is not one run a rank, or `metrics` is negative.
  package init(
    runs: [Range<Int>], metrics: Int, maxima: Range<Int> = 0..<0, on collective: any Collective
  ) throws {
    guard runs.count == collective.size, runs.first?.lowerBound == 0,
      zip(runs, runs.dropFirst()).allSatisfy({ $0.upperBound == $1.lowerBound })
    else {
      throw ArgumentError(
        "ScalarFold", "runs", is: runs,
        expected: "\(collective.size) ranges, one a rank, that tile the shards from 0 on")
    }
    try ArgumentError.require(metrics, atLeast: 0, "metrics", of: "ScalarFold")
    self.collective = collective
    self.runs = runs
    self.maxima = maxima
    let columns = ShardRecord.Column.metrics + metrics
    let shards = runs.last!.upperBound
    width = columns
    counts = runs.map { (Self.control + $0.count * columns) * MemoryLayout<Double>.stride }
    sent = Arena(count: Self.control + runs[collective.rank].count * columns)
    received = Arena(count: Self.control * runs.count + shards * columns)
    tree = Arena(count: shards * columns)
    order = TreeOrder(leaves: shards)
    records = ShardRecords(
      shards: runs[collective.rank], width: columns,
      values: .init(rebasing: sent.buffer[Self.control...]))
  }

  /// Lets this rank compute its shards' records, gathers those of all ranks, and folds them. Called
  /// by all ranks.
  ///
  /// - Parameters:
  ///   - requests: what this rank asks of all, once it has computed.
  ///   - compute: writes this rank's records, which are zeros at first.
  /// - Throws: what `compute` throws, on its own rank, and ``PeerFailure`` on the others.
  package func gather(
    requests mine: @autoclosure () -> StepRequests = [],
    _ compute: (ShardRecords) throws -> Void
  ) throws {
    self.compute(compute)
    try gather(requests: mine())
  }

  /// As ``gather(requests:_:)``, of a step's batch, which must be the same on all ranks.
  ///
  /// - Throws: ``StepError/batchesDiffer(step:ranks:reference:)``, on all ranks alike.
  package func gather(requests: StepRequests, of batch: StepBatch) throws {
    do { try gather(requests: requests, stamp: batch.stamp) } catch let error as StampError {
      let odd = error.odd
      throw StepError.batchesDiffer(
        step: batch.step + 1, ranks: odd.ranks, reference: odd.reference)
    }
  }

  /// Lets this rank compute its shards' records. What it throws is kept for
  /// ``gather(requests:)``.
  ///
  /// - Parameter compute: writes this rank's records, which are zeros at first.
  package func compute(_ compute: (ShardRecords) throws -> Void) {
    sent.buffer.update(repeating: 0)
    failure = nil
    do { try compute(records) } catch { failure = error }
  }

  /// Gathers the records of all ranks and folds them. Called by all ranks.
  ///
  /// - Parameters:
  ///   - requests: what this rank asks of all.
  ///   - stamp: what this rank worked on, as a number that must be the same on all ranks.
  /// - Throws: what ``compute(_:)`` kept, on its own rank, and ``PeerFailure`` on the others;
  ///   ``StampError``, on all ranks alike.
  private func gather(requests mine: StepRequests, stamp: UInt64 = 0) throws {
    let failure = failure
    self.failure = nil
    let control = failure == nil ? mine : mine.union(.failed)
    let words = UnsafeMutableRawPointer(sent.base)
    words.storeBytes(of: control.flags, as: UInt64.self)
    words.storeBytes(of: control.factorBits, toByteOffset: 8, as: UInt64.self)
    words.storeBytes(of: stamp, toByteOffset: 16, as: UInt64.self)
    try collective.allgather(
      UnsafeRawBufferPointer(sent.buffer), counts: counts,
      into: UnsafeMutableRawBufferPointer(received.buffer))
    if let rank = unpack() { throw try reason(of: failure, on: rank) }
    if !hasOneStamp { throw StampError(stamps: runs.indices.map(stamp(ofRank:))) }
    order.fold(tree.buffer, width: width)
    foldMaxima()
  }

  /// Puts the largest values in the place of sums. A shard without examples has none.
  private func foldMaxima() {
    for column in maxima {
      var largest = -Double.infinity
      for shard in 0..<tree.count / width {
        let record = record(ofShard: shard)
        if record.examples > 0 { largest = largerOrNaN(largest, record[metric: column]) }
      }
      total[metric: column] = largest
    }
  }

  /// The stamp of a rank.
  private func stamp(ofRank rank: Int) -> UInt64 {
    received(Self.control * rank + runs[rank].lowerBound * width + 2)
  }

  /// A received word that is no number.
  private func received(_ place: Int) -> UInt64 {
    UnsafeRawPointer(received.base + place).load(as: UInt64.self)
  }

  private var hasOneStamp: Bool {
    let first = stamp(ofRank: 0)
    return runs.indices.allSatisfy { stamp(ofRank: $0) == first }
  }

  /// Lets all ranks know why the first failed one did; returns what this rank throws.
  private func reason(of mine: (any Error)?, on rank: Int) throws -> any Error {
    let text = mine.map { Array("\($0)".utf8) } ?? []
    let reason = try collective.broadcast(text, root: rank)
    return mine ?? PeerFailure(rank: rank, reason: String(decoding: reason, as: UTF8.self))
  }

  /// Takes what was received apart; returns the first rank that failed.
  private func unpack() -> Int? {
    requests = []
    var failed: Int?
    var position = 0
    for (rank, run) in runs.enumerated() {
      let control = StepRequests(
        flags: received(position), factorBits: received(position + 1))
      if control.contains(.failed), failed == nil { failed = rank }
      requests.formUnion(control)
      position += Self.control
      for value in run.lowerBound * width..<run.upperBound * width {
        tree.buffer[value] = received.buffer[position]
        position += 1
      }
    }
    return failed
  }

  /// The numbers of one shard; valid after ``gather(requests:_:)``, until the next one.
  func record(ofShard shard: Int) -> ShardRecord {
    let rank = runs.firstIndex { $0.contains(shard) }!  // the runs tile all shards
    let start = Self.control * (rank + 1) + shard * width
    return ShardRecord(values: .init(rebasing: received.buffer[start..<start + width]))
  }

  /// The sums over all shards; valid after ``gather(requests:_:)``, until the next one.
  package var total: ShardRecord { ShardRecord(values: .init(rebasing: tree.buffer[..<width])) }
}

/// The larger of two numbers; not a number where one of them is none.
package func largerOrNaN(_ a: Double, _ b: Double) -> Double {
  a.isNaN || b.isNaN ? .nan : a > b ? a : b
}

/// Ranks worked on different things, the same error on all of them.
struct StampError: Error {
  /// What each rank worked on, as a number.
  let stamps: [UInt64]

  /// The ranks that differ from most, and the lowest of the others.
  var odd: (ranks: [Int], reference: Int) {
    let votes = stamps.map { stamp in stamps.count { $0 == stamp } }
    let reference = votes.firstIndex(of: votes.max()!)!  // there is a rank
    return (stamps.indices.filter { stamps[$0] != stamps[reference] }, reference)
  }
}
