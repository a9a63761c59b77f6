internal import CMPI

/// Some ranks of the world in an order of their own, which number themselves 0, 1, 2, …
///
/// A group is a value: making one asks no other rank. From a group a communicator is made by
/// ``MPICommunicator/subset(_:tag:)``.
///
/// ```swift
/// let even = try world.group.including(Array(stride(from: 0, to: world.size, by: 2)))
/// if let half = try world.subset(even) { … }
/// ```
///
/// Source: MPI 3.1, section 6.3.
public struct MPIGroup: Sendable, Hashable {
  /// The members, by their ranks in the world.
  public let worldRanks: [Int]

  /// A group of ranks that are known to differ.
  init(worldRanks: [Int]) { self.worldRanks = worldRanks }

  /// The number of members.
  public var size: Int { worldRanks.count }

  /// This process's rank in the group; nil where it is no member.
  public var rank: Int? { WorldRank.known.flatMap { worldRanks.firstIndex(of: $0) } }

  /// The members with these ranks, in this order.
  ///
  /// - Throws: ``MPIError`` of kind `argument` for a rank that the group does not have, or one that is
  ///   named twice.
  public func including(_ ranks: [Int]) throws(MPIError) -> MPIGroup {
    try requireRanks("MPI_Group_incl", ranks)
    return MPIGroup(worldRanks: ranks.map { worldRanks[$0] })
  }

  /// All members but those with these ranks.
  ///
  /// - Throws: as ``including(_:)``.
  public func excluding(_ ranks: [Int]) throws(MPIError) -> MPIGroup {
    try requireRanks("MPI_Group_excl", ranks)
    let gone = Set(ranks)
    return MPIGroup(
      worldRanks: worldRanks.indices.filter { !gone.contains($0) }.map { worldRanks[$0] })
  }

  /// The members of this group, and behind them those of the other one that are not in this.
  public func union(_ other: MPIGroup) -> MPIGroup {
    MPIGroup(worldRanks: worldRanks + other.subtracting(self).worldRanks)
  }

  /// The members of both groups, in this one's order.
  public func intersection(_ other: MPIGroup) -> MPIGroup {
    let kept = Set(other.worldRanks)
    return MPIGroup(worldRanks: worldRanks.filter(kept.contains))
  }

  /// The members that are not in the other group (`MPI_Group_difference`).
  public func subtracting(_ other: MPIGroup) -> MPIGroup {
    let gone = Set(other.worldRanks)
    return MPIGroup(worldRanks: worldRanks.filter { !gone.contains($0) })
  }

  /// The ranks that members have in another group; nil for one that is not in it.
  ///
  /// - Throws: ``MPIError`` of kind `argument` for a rank that this group does not have.
  public func translate(_ ranks: [Int], to other: MPIGroup) throws(MPIError) -> [Int?] {
    let places = Dictionary(uniqueKeysWithValues: other.worldRanks.enumerated().map { ($1, $0) })
    var result: [Int?] = []
    for rank in ranks {
      try requireRank("MPI_Group_translate_ranks", rank)
      result.append(places[worldRanks[rank]])
    }
    return result
  }

  /// Whether the groups have the same members in the same order, in another order, or differ.
  public func compared(to other: MPIGroup) -> MPIComparison {
    if self == other { return .identical }
    return size == other.size && Set(worldRanks) == Set(other.worldRanks) ? .similar : .unequal
  }

  private func requireRank(_ call: String, _ rank: Int) throws(MPIError) {
    guard worldRanks.indices.contains(rank) else {
      throw argumentError(call, "\(rank) is not a rank of this group (0..<\(size))")
    }
  }

  private func requireRanks(_ call: String, _ ranks: [Int]) throws(MPIError) {
    var seen: Set<Int> = []
    for rank in ranks {
      try requireRank(call, rank)
      guard seen.insert(rank).inserted else {
        throw argumentError(call, "rank \(rank) is named twice")
      }
    }
  }
}

/// How two groups or communicators compare. Source: MPI 3.1, sections 6.3.1 and 6.4.1.
public enum MPIComparison: Sendable, Equatable {
  /// The same communicator, or groups with the same members in the same order.
  case identical
  /// Two communicators whose groups are identical: messages do not mix.
  case congruent
  /// The same members in another order.
  case similar
  /// Other members.
  case unequal
}

extension MPICommunicator {
  /// The ranks of this communicator, as a group. No rank waits.
  public var group: MPIGroup {
    get throws(MPIError) {
      let call = "MPI_Comm_group"
      try requireUsable(call)
      var found = [Int32](repeating: 0, count: size)
      try check(
        call,
        lockstep_mpi_comm_world_ranks(
          handle, Int32(size), (0..<size).map { Int32($0) }, &found))
      return MPIGroup(worldRanks: found.map { Int($0) })
    }
  }

  /// A communicator of the members of a group, in the group's order.
  ///
  /// All members call with equal groups; other ranks of this communicator need not, and get nil at once.
  ///
  /// - Parameters:
  ///   - group: ranks of this communicator.
  ///   - tag: tells several calls apart that are made at the same time by several threads.
  /// - Throws: ``MPIError`` of kind `argument` where the group has members that this communicator does
  ///   not have. Source: MPI 3.1, section 6.4.2 (`MPI_Comm_create_group`).
  public func subset(_ group: MPIGroup, tag: Int = 0) throws(MPIError) -> MPICommunicator? {
    let call = "MPI_Comm_create_group"
    let all = try self.group
    let tag32 = try requireTag(call, tag)
    var ranks: [Int32] = []
    for (member, rank) in zip(
      group.worldRanks, try group.translate(Array(0..<group.size), to: all))
    {
      guard let rank else {
        throw argumentError(call, "rank \(member) of the world is not in this communicator")
      }
      ranks.append(Int32(rank))
    }
    guard ranks.contains(Int32(rank)) else { return nil }
    var result = handle
    try check(
      call, lockstep_mpi_comm_create_group(handle, Int32(ranks.count), ranks, tag32, &result))
    return try inherit(result)
  }

  /// How this communicator compares with another one. No rank waits.
  public func compared(to other: MPICommunicator) throws(MPIError) -> MPIComparison {
    let call = "MPI_Comm_compare"
    try requireUsable(call)
    try other.requireUsable(call)
    var result: Int32 = 0
    try check(call, lockstep_mpi_comm_compare(handle, other.handle, &result))
    if result == lockstep_mpi_identical() { return .identical }
    if result == lockstep_mpi_congruent() { return .congruent }
    return result == lockstep_mpi_similar() ? .similar : .unequal
  }
}
