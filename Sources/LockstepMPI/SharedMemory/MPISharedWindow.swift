internal import CMPI

/// Memory that all ranks of one node read and write, one segment a rank.
///
/// Every segment starts at a multiple of 64 bytes in every rank's address space and is zero at
/// first. Who may write when is for the ranks to agree: with atomics in the memory itself, or with
/// ``synchronize()`` and a barrier.
///
/// ``free()`` gives the memory back, with all ranks. A window that merely goes out of scope stays
/// until the process ends: freeing waits for the other ranks, and a rank that is on its way out
/// with an error must not wait. Source: MPI 3.1, sections 11.2.3 and 11.5.
public final class MPISharedWindow {
  /// The ranks that share it.
  package let communicator: MPICommunicator

  private let addresses: [UnsafeMutableRawBufferPointer]
  private var window: lockstep_mpi_win
  private var isFreed = false

  /// The segments, by rank, at this process's addresses.
  ///
  /// - Throws: ``MPIError`` of kind `state` where the window was freed or MPI finalized.
  public var segments: [UnsafeMutableRawBufferPointer] {
    get throws(MPIError) {
      try requireUsable("MPI_Win_shared_query")
      return addresses
    }
  }

  /// This rank's segment; throws as ``segments``.
  public var own: UnsafeMutableRawBufferPointer {
    get throws(MPIError) { try segments[communicator.rank] }
  }

  /// Allocates the window. Collective.
  ///
  /// Space is checked and agreed on before MPI is asked, so that all ranks get the window or all
  /// get the same error.
  ///
  /// - Parameters:
  ///   - bytes: the size of this rank's segment, which may differ from rank to rank and may be 0.
  ///   - communicator: ranks of one node, such as ``MPICommunicator/splitBySharedMemory(key:)``
  ///     makes.
  ///   - spaceLimit: the bytes that may be used at most; nil means what the machine has free.
  /// - Throws: ``MPIError`` of kind `argument` where the ranks do not share a node, of kind
  ///   `resource` where the space does not suffice; all ranks throw then.
  public init(bytes: Int, on communicator: MPICommunicator, spaceLimit: Int? = nil)
    throws(MPIError)
  {
    let call = "MPI_Win_allocate_shared"
    try communicator.requireUsable(call)
    let alignment = 64
    let page = SharedMemorySpace.pageSize
    // What MPI is asked for: room to move up to a multiple of 64.
    let largest = 1 << 56
    let asked = min(max(bytes, 0), largest) + alignment
    let node = try communicator.splitBySharedMemory()
    let free = min(SharedMemorySpace.freeBytes() ?? 0, spaceLimit ?? Int.max)

    // One exchange tells every rank the same: sizes, whether all share the node, the least space.
    let facts = try communicator.allgather([bytes, node.size, free])
    let sizes = stride(from: 0, to: facts.count, by: 3).map { facts[$0] }
    let nodeSizes = stride(from: 1, to: facts.count, by: 3).map { facts[$0] }
    let space = stride(from: 2, to: facts.count, by: 3).map { facts[$0] }.min()!
    if let rank = sizes.firstIndex(where: { $0 < 0 }) {
      throw argumentError(call, "rank \(rank) asks for \(sizes[rank]) bytes")
    }
    if let rank = sizes.firstIndex(where: { $0 > largest }) {
      throw argumentError(
        call,
        "rank \(rank) asks for \(sizes[rank]) bytes, more than the \(largest) that a window has")
    }
    guard nodeSizes.allSatisfy({ $0 == communicator.size }) else {
      throw argumentError(
        call,
        "the \(communicator.size) ranks do not share one node: split the communicator first")
    }
    // A page for each segment's end and one for each rank of MPI's own book-keeping.
    let needed = sizes.reduce(4 * page) { sum, size in
      let (more, overflow) = sum.addingReportingOverflow(size + alignment + 2 * page)
      return overflow ? .max : more
    }
    guard needed <= space else {
      throw MPIError(
        kind: .resource, call: call,
        message: """
          \(needed) bytes of shared memory are needed and \(space) are free in \
          \(SharedMemorySpace.directory): enlarge it or remove what lies there
          """, rank: WorldRank.known)
    }

    var base: UnsafeMutableRawPointer?
    var window = lockstep_mpi_win()
    try check(
      call, lockstep_mpi_win_allocate_shared(Int64(asked), communicator.handle, &base, &window))
    try check("MPI_Win_set_errhandler", lockstep_mpi_win_return_errors(window))
    var segments: [UnsafeMutableRawBufferPointer] = []
    for rank in 0..<communicator.size {
      var size: Int64 = 0
      var start: UnsafeMutableRawPointer?
      try check(
        "MPI_Win_shared_query",
        lockstep_mpi_win_shared_query(window, Int32(rank), &size, &start))
      // Mappings start at pages, so that rounding up moves equally far in every process.
      let aligned = start!.alignedUp(toMultipleOf: alignment)
      segments.append(UnsafeMutableRawBufferPointer(start: aligned, count: sizes[rank]))
    }
    self.communicator = communicator
    addresses = segments
    self.window = window
    segments[communicator.rank].initializeMemory(as: UInt8.self, repeating: 0)
    // One epoch for the window's whole life, in which memory is read and written directly.
    try check("MPI_Win_lock_all", lockstep_mpi_win_lock_all(window))
    try synchronize()
    try communicator.barrier()
    try synchronize()
  }

  /// Orders this rank's reads and writes of the window before and after; no rank waits.
  public func synchronize() throws(MPIError) {
    try requireUsable("MPI_Win_sync")
    try check("MPI_Win_sync", lockstep_mpi_win_sync(window))
  }

  /// Returns when all ranks have called; what they wrote before is visible to all then.
  public func fence() throws(MPIError) {
    try synchronize()
    try communicator.barrier()
    try synchronize()
  }

  /// Frees the memory now. Collective; the segments must not be touched any more.
  public func free() throws(MPIError) {
    try requireUsable("MPI_Win_free")
    try check("MPI_Win_unlock_all", lockstep_mpi_win_unlock_all(window))
    try check("MPI_Win_free", lockstep_mpi_win_free(&window))
    isFreed = true
  }

  private func requireUsable(_ call: String) throws(MPIError) {
    try communicator.requireUsable(call)
    guard !isFreed else {
      throw MPIError(
        kind: .state, call: call, message: "the window was freed", rank: WorldRank.known)
    }
  }
}
