internal import CMPI

/// One epoch of a window: whose memory may be touched, and what must live until it ends.
final class WindowAccess<T: MPIDatatype> {
  /// Whose memory an epoch reaches.
  enum Reach: Equatable {
    /// That of all ranks, which are in the epoch too.
    case fence
    /// That of all ranks, which do nothing for it.
    case everyRank
    /// That of one rank.
    case rank(Int)
  }

  let window: MPIWindow<T>
  private let reach: Reach
  private var isOpen = true
  private var owners: [AnyObject] = []

  init(_ window: MPIWindow<T>, _ reach: Reach) {
    self.window = window
    self.reach = reach
  }

  /// The most values that MPI counts at once.
  var limit: Int { window.communicator.largestCount }

  /// The epoch has ended: nothing is pending.
  func end() {
    isOpen = false
    owners = []
  }

  /// The epoch has ended, and MPI may still read and write the buffers: they stay for ever.
  func abandon() {
    for owner in owners { _ = Unmanaged.passRetained(owner) }
    end()
  }

  /// Keeps a buffer until nothing is pending.
  func keep(_ owner: AnyObject) { owners.append(owner) }

  /// Lets go of the buffer that was kept last: what it was kept for is done.
  func release(_ owner: AnyObject) {
    if owners.last === owner { owners.removeLast() }
  }

  /// Throws unless values `start..<start + count` of a rank's part can be touched now.
  func require(_ call: String, _ rank: Int, _ start: Int, _ count: Int) throws(MPIError) {
    try requireOpen(call)
    _ = try window.communicator.requireRank(call, "rank", rank)
    if case .rank(let locked) = reach, locked != rank {
      throw stateError(call, "rank \(rank) is not locked: this is the epoch of rank \(locked)")
    }
    let held = window.counts[rank]
    guard start >= 0, count >= 0, start <= held, count <= held - start else {
      throw argumentError(
        call,
        """
        \(count) values at place \(start) are not in the part of rank \(rank), which holds \(held)
        """)
    }
  }

  /// Throws in an epoch that cannot be flushed.
  func requireLock(_ call: String) throws(MPIError) {
    try requireOpen(call)
    guard reach != .fence else {
      throw stateError(
        call, "a fence gives no value before it ends: take a lock, or read into a buffer")
    }
  }

  private func requireOpen(_ call: String) throws(MPIError) {
    try window.requireUsable(call)
    guard isOpen else {
      throw stateError(call, "the epoch has ended: nothing of the window can be touched in it")
    }
  }

  /// Starts a transfer of a buffer's values, which is kept until nothing is pending.
  func transfer(
    _ call: String, _ buffer: MPIBuffer<T>, _ start: (Transfer) -> Int32
  ) throws(MPIError) {
    keep(buffer)
    try Transfer.of(buffer.count, T.self, limit: limit, call) { (run) throws(MPIError) in
      try check(call, start(run))
    }
  }

  /// Waits for what was started on a rank's part, or on all of them.
  func flush(_ rank: Int?) throws(MPIError) {
    if let rank = rank ?? lockedRank {
      try check("MPI_Win_flush", lockstep_mpi_win_flush(window.handle, Int32(rank)))
    } else {
      try check("MPI_Win_flush_all", lockstep_mpi_win_flush_all(window.handle))
    }
    // Of one rank's part or of all that are in reach, nothing is pending.
    if rank == nil || rank == lockedRank { owners = [] }
  }

  private var lockedRank: Int? {
    if case .rank(let rank) = reach { rank } else { nil }
  }

  /// The operation, where it is one that MPI allows on remote memory.
  func operation(
    _ call: String, _ reduction: MPIReduction<T>
  ) throws(MPIError) -> lockstep_mpi_op {
    guard case .builtin(let operation) = reduction.storage else {
      throw argumentError(
        call, "a user-defined reduction does not run on another rank's memory: use one of MPI's own"
      )
    }
    switch T.mpiLayout.kind {
    case .bytes, .fields, .invalid, .bfloat16:
      throw argumentError(
        call,
        "MPI has no operations of its own on \(T.self), and others do not run on remote memory")
    default: return operation.handle
    }
  }
}
