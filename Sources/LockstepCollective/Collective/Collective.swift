import LockstepObservation
import LockstepEngine

/// A group of ranks, as training sees it.
///
/// Three groups exist: one rank alone, several ranks as threads of one process (for tests), and
/// MPI. A call is made by all ranks of the group, in the same order; each rank has an object of its
/// own, which it uses from one thread at a time.
public protocol Collective: AnyObject {
  /// This rank, `0..<size`.
  var rank: Int { get }
  /// The number of ranks.
  var size: Int { get }

  /// Returns when all ranks have called.
  func barrier() throws

  /// Copies the root's bytes to all ranks.
  func broadcast(_ bytes: UnsafeMutableRawBufferPointer, root: Int) throws

  /// Concatenates all ranks' bytes in rank order.
  ///
  /// - Parameters:
  ///   - bytes: this rank's contribution, `counts[rank]` bytes.
  ///   - counts: the number of bytes of each rank, equal on all ranks.
  ///   - result: `counts` summed, in bytes.
  func allgather(
    _ bytes: UnsafeRawBufferPointer, counts: [Int], into result: UnsafeMutableRawBufferPointer
  ) throws
}

extension Collective {
  /// Throws ``ArgumentError`` unless there is such a rank.
  func requireRoot(_ root: Int, _ call: String) throws(ArgumentError) {
    guard (0..<size).contains(root) else {
      throw ArgumentError(call, "root", is: root, expected: "a rank of the group, 0..<\(size)")
    }
  }

  /// Throws ``ArgumentError`` unless each rank's count is that of its bytes, and they make up the whole.
  func requireCounts(
    _ counts: [Int], mine: Int, whole: Int?, _ call: String
  ) throws(ArgumentError) {
    guard counts.count == size, counts.allSatisfy({ $0 >= 0 }), counts[rank] == mine,
      whole.map({ counts.reduce(0, &+) == $0 }) ?? true
    else {
      throw ArgumentError(
        call, "counts", is: counts,
        expected: "\(size) numbers of bytes, one a rank, \(mine) for rank \(rank)"
          + (whole.map { ", \($0) in all" } ?? ""))
    }
  }
}
