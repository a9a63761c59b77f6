internal import CMPI

/// Memory of each rank that the other ranks read and write without its taking part.
///
/// ```swift
/// let table = try MPIWindow(repeating: 0, count: 10, on: world)
/// try table.withFence { epoch in try epoch.put([world.rank], to: 0, at: world.rank) }
/// let ticket = try table.withLock(0) { try $0.fetchAndAccumulate(1, .sum, on: 0, at: 9) }
/// try table.free()
/// ```
///
/// Memory of other ranks is touched in an *epoch* only: the closure of a fence, in which all ranks take
/// part, or of a lock. What was read is there when the epoch ends. One epoch of a window is open at a
/// time.
///
/// ``free()`` gives the memory back, with all ranks. A window that merely goes out of scope stays until
/// the process ends: freeing waits for the other ranks, and a rank that is on its way out with an error
/// must not wait.
///
/// Source: MPI 3.1, chapter 11.
public final class MPIWindow<T: MPIDatatype> {
  /// The ranks whose memory it is.
  public let communicator: MPICommunicator
  /// The number of values in each rank's part.
  public let counts: [Int]

  private let memory: UnsafeMutableBufferPointer<T>
  private(set) var handle: lockstep_mpi_win
  private var state = State.idle

  private enum State {
    case idle, open, failed, freed
  }

  /// Allocates the window. Collective.
  ///
  /// - Parameters:
  ///   - value: what every value of this rank's part is at first.
  ///   - count: the number of values of this rank's part, which may differ from rank to rank and may
  ///     be 0.
  ///   - hints: what the library may make use of, such as `["no_locks": "true"]`.
  /// - Throws: ``MPIError`` of kind `argument` for a negative count, of kind `resource` where the ranks
  ///   of a node share memory and it does not suffice; all ranks throw then. Source: MPI 3.1, section
  ///   11.2.2 (`MPI_Win_allocate`).
  public init(
    repeating value: T, count: Int, on communicator: MPICommunicator, hints: [String: String] = [:]
  ) throws(MPIError) {
    let call = "MPI_Win_allocate"
    try communicator.requireUsable(call)
    try communicator.requireAgreement(call, layout: T.mpiLayout)
    _ = try typeHandle(T.self, call)
    let stride = MemoryLayout<T>.stride
    counts = try agreedCounts(call, count, stride: stride, on: communicator)
    var base: UnsafeMutableRawPointer?
    var window = lockstep_mpi_win()
    try withInfo(hints, call) { (info) throws(MPIError) in
      try check(
        call,
        lockstep_mpi_win_allocate(
          Int64(count * stride), Int32(stride), info, communicator.handle, &base, &window))
    }
    try check("MPI_Win_set_errhandler", lockstep_mpi_win_return_errors(window))
    memory = UnsafeMutableBufferPointer(
      start: count == 0 ? nil : base?.bindMemory(to: T.self, capacity: count), count: count)
    memory.initialize(repeating: value)
    self.communicator = communicator
    handle = window
    // Nobody reads or writes before all parts have their values.
    try communicator.barrier()
  }

  /// This rank's part.
  ///
  /// Touch it while no other rank does: between a fence and the next, in which others put nothing, or
  /// in ``withLock(_:shared:_:)`` of the own rank. The pointer is valid until ``free()``.
  ///
  /// - Throws: ``MPIError`` of kind `state` where the window was freed.
  public var values: UnsafeMutableBufferPointer<T> {
    get throws(MPIError) {
      try requireUsable("MPIWindow.values")
      return memory
    }
  }

  /// Calls `body` between two fences: all ranks may touch each other's memory. Collective.
  ///
  /// When it returns, what this rank has put is in place, what it got is there, and the others' work on
  /// its own part is done. Where `body` throws, the closing fence is left out, since the other ranks wait
  /// in theirs: the window can only be given up then.
  ///
  /// - Throws: what `body` throws; ``MPIError`` of kind `state` where an epoch is open already.
  ///   Source: MPI 3.1, section 11.5.1 (`MPI_Win_fence`).
  @discardableResult
  public func withFence<Result>(_ body: (MPIEpoch<T>) throws -> Result) throws -> Result {
    let call = "MPI_Win_fence"
    try requireIdle(call)
    try communicator.requireAgreement(call)
    try check(call, lockstep_mpi_win_fence_open(handle))
    let access = WindowAccess(self, .fence)
    state = .open
    do {
      let result = try body(MPIEpoch(access))
      try check(call, lockstep_mpi_win_fence_close(handle))
      state = .idle
      access.end()
      return result
    } catch {
      state = .failed
      // MPI may still read and write the buffers: they stay.
      access.abandon()
      throw error
    }
  }

  /// Calls `body` while this rank holds a lock on another one's memory, or on its own.
  ///
  /// The other rank does nothing for it. The lock is given back when `body` has returned or thrown.
  ///
  /// - Parameters:
  ///   - rank: the rank whose memory is touched.
  ///   - shared: whether others may hold a shared lock at the same time: for reading, and for
  ///     ``MPIEpoch/accumulate(_:_:to:at:)`` and its kin, which are atomic for each value.
  /// - Throws: what `body` throws; ``MPIError`` of kind `state` where an epoch is open already, `argument`
  ///   for a rank that the communicator does not have. Source: MPI 3.1, section 11.5.3
  ///   (`MPI_Win_lock`).
  @discardableResult
  public func withLock<Result>(
    _ rank: Int, shared: Bool = false, _ body: (MPIEpoch<T>) throws -> Result
  ) throws -> Result {
    let call = "MPI_Win_lock"
    try requireIdle(call)
    let rank32 = try communicator.requireRank(call, "rank", rank)
    try check(call, lockstep_mpi_win_lock(handle, shared ? 1 : 0, rank32))
    return try locked(.rank(rank), body) { (handle) throws(MPIError) in
      try check("MPI_Win_unlock", lockstep_mpi_win_unlock(handle, rank32))
    }
  }

  /// Calls `body` while this rank holds a shared lock on the memory of every rank; see
  /// ``withLock(_:shared:_:)``. No rank waits for another one.
  @discardableResult
  public func withLockAll<Result>(_ body: (MPIEpoch<T>) throws -> Result) throws -> Result {
    let call = "MPI_Win_lock_all"
    try requireIdle(call)
    try check(call, lockstep_mpi_win_lock_every(handle))
    return try locked(.everyRank, body) { (handle) throws(MPIError) in
      try check("MPI_Win_unlock_all", lockstep_mpi_win_unlock_all(handle))
    }
  }

  private func locked<Result>(
    _ reach: WindowAccess<T>.Reach, _ body: (MPIEpoch<T>) throws -> Result,
    unlock: (lockstep_mpi_win) throws(MPIError) -> Void
  ) throws -> Result {
    let access = WindowAccess(self, reach)
    state = .open
    func finish() throws(MPIError) {
      do {
        try unlock(handle)
        state = .idle
        access.end()
      } catch {
        state = .failed
        access.abandon()
        throw error
      }
    }
    let result: Result
    do {
      result = try body(MPIEpoch(access))
    } catch {
      // The first error is the one to tell.
      try? finish()
      throw error
    }
    try finish()
    return result
  }

  /// Frees the memory now. Collective; ``values`` must not be touched any more.
  ///
  /// - Throws: ``MPIError`` of kind `state` where an epoch is open or has failed.
  public func free() throws(MPIError) {
    let call = "MPI_Win_free"
    try requireIdle(call)
    try check(call, lockstep_mpi_win_free(&handle))
    state = .freed
  }

  func requireUsable(_ call: String) throws(MPIError) {
    try communicator.requireUsable(call)
    if state == .freed { throw stateError(call, "the window was freed") }
  }

  private func requireIdle(_ call: String) throws(MPIError) {
    try requireUsable(call)
    switch state {
    case .open: throw stateError(call, "an epoch of this window is open already: end it first")
    case .failed:
      throw stateError(call, "an epoch of this window has failed: it can only be given up")
    case .idle, .freed: break
    }
  }
}

func stateError(_ call: String, _ message: String) -> MPIError {
  MPIError(kind: .state, call: call, message: message, rank: WorldRank.known)
}

/// Every rank's count, after all have found that the memory suffices; all throw alike where not.
private func agreedCounts(
  _ call: String, _ count: Int, stride: Int, on communicator: MPICommunicator
) throws(MPIError) -> [Int] {
  // Far more than a node has, and far from what overflows when it is summed.
  let largest = 1 << 46
  let bytes = min(max(count, 0), largest / stride) * stride
  let page = SharedMemorySpace.pageSize
  let node = try communicator.splitBySharedMemory()
  let free = SharedMemorySpace.freeBytes() ?? 0
  // A rank that is alone on its node shares nothing.
  let needed = node.size == 1 ? 0 : try node.allreduce(bytes + 2 * page, .sum) + 4 * page
  let facts = try communicator.allgather([count, needed, free])
  for rank in 0..<communicator.size {
    let (count, needed, free) = (facts[3 * rank], facts[3 * rank + 1], facts[3 * rank + 2])
    guard count >= 0 else { throw argumentError(call, "rank \(rank) asks for \(count) values") }
    guard count <= largest / stride else {
      throw argumentError(
        call, "rank \(rank) asks for \(count) values of \(stride) bytes: more than a window has")
    }
    guard needed <= free else {
      throw MPIError(
        kind: .resource, call: call,
        message: """
          \(needed) bytes of shared memory are needed on the node of rank \(rank), and \(free) are free \
          in \(SharedMemorySpace.directory): enlarge it or remove what lies there
          """, rank: WorldRank.known)
    }
  }
  return Swift.stride(from: 0, to: facts.count, by: 3).map { facts[$0] }
}
