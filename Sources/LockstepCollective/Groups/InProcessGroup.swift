import LockstepPlatform
import LockstepObservation
import LockstepEngine

/// Several ranks as threads of one process, for tests of distributed code without a launcher.
///
/// Ranks share memory, so a fold reads its peers' partials in place, as the ranks of one node do
/// through a shared window. Misuse is found rather than suffered: a rank that throws, that returns
/// while the others wait for it, or that calls another collective than its peers, ends the group
/// with an error on every rank.
///
/// ```swift
/// let sums = try InProcessGroup.run(ranks: 3) { group in
///   try train(on: group)
/// }
/// ```
public final class InProcessGroup: Sendable {
  /// Runs `body` once a rank, each on a thread of its own, and returns the results in rank order.
  ///
  /// - Throws: `ArgumentError` where `ranks` is not in 1...1024. Where ranks fail, an error that says why: the first one, in rank order, that is not
  ///   `SecondHandError`; `InProcessGroupError` where the group was misused.
  public static func run<Result: Sendable>(
    ranks: Int, _ body: @escaping @Sendable (any Collective) throws -> Result
  ) throws -> [Result] {
    guard (1...1024).contains(ranks) else {
      throw ArgumentError("InProcessGroup", "ranks", is: ranks, expected: "in 1...1024")
    }
    let meeting = MeetingPoint(size: ranks)
    let memory = PageMemory(count: ranks)
    let cells = (0..<ranks).map { memory[$0] }
    let pages = (0..<ranks).map {
      StatusPage(cells, ranks: Array(0..<ranks), rank: $0, of: ranks, owner: memory)
    }
    let results = (0..<ranks).map { _ in ResultBox<Result>() }
    let threads = results.enumerated().map { rank, box in
      RankThread {
        do {
          box.value = .success(try body(InProcessRank(rank, meeting, pages[rank])))
          meeting.leave(rank)
        } catch {
          meeting.poison(rank, error)
          box.value = .failure(error)
        }
      }
    }
    for thread in threads { thread.join() }
    if let cause = meeting.cause {
      throw results.lazy.compactMap(\.firstHandError).first ?? cause
    }
    return try results.map { try $0.value!.get() }
  }
}

/// One rank's view of the group.
package final class InProcessRank: HostedCollective {
  package let rank: Int
  package let meeting: MeetingPoint
  package let page: StatusPage?
  package var size: Int { meeting.size }

  init(_ rank: Int, _ meeting: MeetingPoint, _ page: StatusPage) {
    self.rank = rank
    self.meeting = meeting
    self.page = page
  }

  package func barrier() throws { _ = try page.waiting { try meeting.meet(rank, "barrier") } }

  package func broadcast(_ bytes: UnsafeMutableRawBufferPointer, root: Int) throws {
    try requireRoot(root, "broadcast")
    try page.waiting {
      try meeting.exchange(rank, "broadcast of \(bytes.count) bytes from \(root)", bytes) { all in
        if rank != root { bytes.copyMemory(from: UnsafeRawBufferPointer(all[root])) }
      }
    }
  }

  package func allgather(
    _ bytes: UnsafeRawBufferPointer, counts: [Int], into result: UnsafeMutableRawBufferPointer
  ) throws {
    try requireCounts(counts, mine: bytes.count, whole: result.count, "allgather")
    let mine = UnsafeMutableRawBufferPointer(mutating: bytes)
    try page.waiting {
      try meeting.exchange(rank, "allgather of \(counts) bytes", mine) { all in
        var start = 0
        for peer in all {
          UnsafeMutableRawBufferPointer(rebasing: result[start..<start + peer.count])
            .copyMemory(from: UnsafeRawBufferPointer(peer))
          start += peer.count
        }
      }
    }
  }

  package func makeSharedArena(count: Int, otherwise consequence: String) throws -> SharedArena? {
    try meeting.makeArena(rank, count)
  }
}

extension MeetingPoint {
  /// One arena for all ranks.
  package func makeArena(_ rank: Int, _ count: Int) throws -> SharedArena? {
    let all = try share(rank, "makeSharedArena", rank == 0 ? Arena<Float>(count: count) : nil)
    return all[0].map { SharedArena($0.buffer, owner: $0) }
  }
}

/// What a rank leaves behind. Written by its thread alone and read after the thread was joined.
private final class ResultBox<Value>: @unchecked Sendable {
  // Unchecked: joining a thread orders its writes before the reader's.
  var value: Result<Value, any Error>?

  var firstHandError: (any Error)? {
    guard case .failure(let error) = value, !(error is any SecondHandError),
      !(error is InProcessGroupError)
    else { return nil }
    return error
  }
}
