/// Why an in-process group ended.
package enum InProcessGroupError: Error, Equatable, CustomStringConvertible {
  /// Another rank threw.
  case peerFailed(rank: Int, reason: String)
  /// A rank returned while its peers waited for it.
  case peerLeft(rank: Int)
  /// Two ranks called different collectives.
  case mismatch(rank: Int, call: String, others: String)

  package var description: String {
    switch self {
    case .peerFailed(let rank, let reason): return "rank \(rank) failed: \(reason)"
    case .peerLeft(let rank): return "rank \(rank) ended while the other ranks waited for it"
    case .mismatch(let rank, let call, let others):
      return "rank \(rank) calls \(call) while the others call \(others)"
    }
  }
}
