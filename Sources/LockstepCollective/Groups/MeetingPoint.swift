import LockstepPlatform

/// A barrier over the threads of an in-process group that also carries what they show each other,
/// and that can be poisoned: once a rank has failed, every wait throws.
package final class MeetingPoint: Sendable {
  let size: Int

  /// What the ranks share. Unchecked: read and written under the monitor's lock only.
  private struct State: @unchecked Sendable {
    var arrived = 0
    var generation = 0
    var call = ""
    var shown: [Any?]
    var complete: [Any?] = []
    var left: [Int] = []
    var failure: (any Error)?
    var failedRank = 0

    /// A rank comes to a call, and gets the number of the meeting that it waits for.
    mutating func arrive(_ rank: Int, _ what: String, _ value: Any?, of size: Int) throws -> Int {
      try check()
      if arrived == 0 { call = what }
      if call != what {
        fail(rank, InProcessGroupError.mismatch(rank: rank, call: what, others: call))
        try check()
      }
      shown[rank] = value
      arrived += 1
      let meeting = generation
      if arrived == size {
        arrived = 0
        generation += 1
        // Stays as it is until all ranks have called again, so also until the slowest has read it.
        complete = shown
      } else if let gone = left.first {
        fail(gone, InProcessGroupError.peerLeft(rank: gone))
      }
      return meeting
    }

    mutating func fail(_ rank: Int, _ error: any Error) {
      if failure == nil {
        failure = error
        failedRank = rank
      }
    }

    package func check() throws {
      guard let failure else { return }
      if failure is InProcessGroupError { throw failure }
      throw InProcessGroupError.peerFailed(rank: failedRank, reason: "\(failure)")
    }
  }
  private let state: Monitor<State>

  init(size: Int) {
    self.size = size
    state = Monitor(State(shown: Array(repeating: nil, count: size)))
  }

  /// The first failure, if there was one.
  var cause: (any Error)? { state.withLock { $0.failure } }

  /// Returns when all ranks have called, with what they show.
  ///
  /// Callers that show pointers meet twice, so that the memory stays in place while others read.
  @discardableResult
  package func meet(_ rank: Int, _ what: String, showing value: Any? = nil) throws -> [Any?] {
    let mine = try state.change { try $0.arrive(rank, what, value, of: size) }
    return try state.await { state in
      if state.generation != mine { return state.complete }
      try state.check()
      return nil
    }
  }

  /// Shows a value to all ranks and returns everybody's.
  package func share<Value>(_ rank: Int, _ what: String, _ value: Value) throws -> [Value] {
    let all = try meet(rank, what, showing: value)
    // All ranks call the same collective, checked above, and so show the same type.
    let values = all.map { $0 as! Value }
    try meet(rank, what)
    return values
  }

  /// Shows bytes to all ranks and lets `read` use everybody's while they stay in place.
  func exchange(
    _ rank: Int, _ what: String, _ bytes: UnsafeMutableRawBufferPointer,
    _ read: ([UnsafeMutableRawBufferPointer]) -> Void
  ) throws {
    let all = try meet(rank, what, showing: bytes)
    // All ranks call the same collective, checked above, and so show bytes.
    read(all.map { $0 as! UnsafeMutableRawBufferPointer })
    try meet(rank, what)
  }

  /// A rank has returned: whoever waits for it from now on waits in vain.
  func leave(_ rank: Int) {
    state.change { state in
      state.left.append(rank)
      if state.arrived > 0 { state.fail(rank, InProcessGroupError.peerLeft(rank: rank)) }
    }
  }

  /// A rank has failed: all waits, now and later, throw.
  package func poison(_ rank: Int, _ error: any Error) { state.change { $0.fail(rank, error) } }
}
