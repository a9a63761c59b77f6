internal import CMPI

extension MPIWindow {
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
}
