#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#endif

/// A barrier over the threads of an in-process group that also carries what they show each other,
/// and that can be poisoned: once a rank has failed, every wait throws.
final class MeetingPoint: @unchecked Sendable {
  // Unchecked: all mutable state is read and written under the mutex only.

  let size: Int
  private let mutex: UnsafeMutablePointer<pthread_mutex_t>
  private let condition: UnsafeMutablePointer<pthread_cond_t>
  private var arrived = 0
  private var generation = 0
  private var call = ""
  private var shown: [Any?]
  private var complete: [Any?] = []
  private var left: [Int] = []
  private var failure: (any Error)?
  private var failedRank = 0

  init(size: Int) {
    self.size = size
    shown = Array(repeating: nil, count: size)
    mutex = .allocate(capacity: 1)
    condition = .allocate(capacity: 1)
    mutex.initialize(to: pthread_mutex_t())
    condition.initialize(to: pthread_cond_t())
    pthread_mutex_init(mutex, nil)
    pthread_cond_init(condition, nil)
  }

  deinit {
    pthread_cond_destroy(condition)
    pthread_mutex_destroy(mutex)
    condition.deallocate()
    mutex.deallocate()
  }

  /// The first failure, if there was one.
  var cause: (any Error)? { locked { failure } }

  /// Returns when all ranks have called, with what they show.
  ///
  /// Callers that show pointers meet twice, so that the memory stays in place while others read.
  @discardableResult
  func meet(_ rank: Int, _ what: String, showing value: Any? = nil) throws -> [Any?] {
    try locked {
      try check()
      if arrived == 0 { call = what }
      if call != what {
        fail(rank, InProcessGroupError.mismatch(rank: rank, call: what, others: call))
        try check()
      }
      shown[rank] = value
      arrived += 1
      if arrived == size {
        arrived = 0
        generation += 1
        // Stays as it is until all ranks have called again, so also until the slowest has read it.
        complete = shown
        pthread_cond_broadcast(condition)
        return complete
      }
      let mine = generation
      if let gone = left.first { fail(gone, InProcessGroupError.peerLeft(rank: gone)) }
      while generation == mine {
        try check()
        pthread_cond_wait(condition, mutex)
      }
      return complete
    }
  }

  /// Shows a value to all ranks and returns everybody's.
  func share<Value>(_ rank: Int, _ what: String, _ value: Value) throws -> [Value] {
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
    locked {
      left.append(rank)
      if arrived > 0 { fail(rank, InProcessGroupError.peerLeft(rank: rank)) }
    }
  }

  /// A rank has failed: all waits, now and later, throw.
  func poison(_ rank: Int, _ error: any Error) { locked { fail(rank, error) } }

  private func fail(_ rank: Int, _ error: any Error) {
    if failure == nil {
      failure = error
      failedRank = rank
    }
    pthread_cond_broadcast(condition)
  }

  private func check() throws {
    guard let failure else { return }
    if failure is InProcessGroupError { throw failure }
    throw InProcessGroupError.peerFailed(rank: failedRank, reason: "\(failure)")
  }

  private func locked<Value>(_ body: () throws -> Value) rethrows -> Value {
    pthread_mutex_lock(mutex)
    defer { pthread_mutex_unlock(mutex) }
    return try body()
  }
}
