import LockstepPlatform
import LockstepCollective

/// How far this rank's clock is from rank 0's.
///
/// The ranks of a node share a clock. For each other node its first rank reads its clock, sends, and
/// reads it again when rank 0's reading has come back: t0, T, t2. T was read between t0 and t2, so
/// T − (t0 + t2) / 2 is wrong by half the round trip at most; of several the shortest counts.
package enum ClockOffset {
  /// What to add to this rank's clock, in nanoseconds. Called by all ranks.
  static func nanoseconds(on collective: any Collective) throws -> Int64 {
    let leader = collective.page?.ranks.first ?? collective.rank
    return try nanoseconds(
      on: collective, leaders: try collective.allgather(Int32(leader)).map(Int.init),
      clock: { SystemClock.now })
  }

  /// - Parameter leaders: for each rank the first one that shares its clock.
  package static func nanoseconds(
    on collective: any Collective, leaders: [Int], rounds: Int = 16, clock: () -> UInt64
  ) throws -> Int64 {
    var mine: Int64 = 0
    func exchange(_ value: UInt64, root: Int) throws -> UInt64 {
      var value = value
      try withUnsafeMutableBytes(of: &value) { try collective.broadcast($0, root: root) }
      return value
    }
    let rank = collective.rank
    for leader in leaders.indices where leader != leaders[0] && leaders[leader] == leader {
      var best = (trip: UInt64.max, offset: Int64(0))
      for _ in 0..<rounds {
        let start = clock()
        _ = try exchange(start, root: leader)
        let there = try exchange(rank == 0 ? clock() : 0, root: 0)
        let end = clock()
        if end - start < best.trip {
          best = (end - start, Int64(bitPattern: there &- start) - Int64(end - start) / 2)
        }
      }
      let offset = Int64(
        bitPattern: try exchange(UInt64(bitPattern: best.offset), root: leader))
      if leaders[rank] == leader { mine = offset }
    }
    return mine
  }
}
