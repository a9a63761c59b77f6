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
  var handle: lockstep_mpi_win
  var state = State.idle

  enum State {
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

  func requireIdle(_ call: String) throws(MPIError) {
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
    let count = facts[3 * rank]
    guard count >= 0 else { throw argumentError(call, "rank \(rank) asks for \(count) values") }
    guard count <= largest / stride else {
      throw argumentError(
        call, "rank \(rank) asks for \(count) values of \(stride) bytes: more than a window has")
    }
  }
  for rank in 0..<communicator.size {
    let (needed, free) = (facts[3 * rank + 1], facts[3 * rank + 2])
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
