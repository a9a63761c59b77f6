internal import CMPI

/// Messages that are sent and received again and again between the same buffers, and collectives on
/// them.
///
/// They are described once; a step then starts and waits for all of them with nothing allocated.
/// Source: MPI 3.1, section 3.9; MPI 4.0, section 6.13.
public final class MPIPersistentMessages {
  let communicator: MPICommunicator
  private var handles: [lockstep_mpi_request] = []
  private var statuses: [lockstep_mpi_status] = []
  private var owners: [AnyObject] = []
  /// The other end of each message; nil for a collective.
  private var peers: [Int?] = []
  private var isPending = false

  /// No messages yet, between the ranks of a communicator.
  public init(on communicator: MPICommunicator) { self.communicator = communicator }

  deinit {
    // MPI still reads and writes the buffers of messages that nobody waited for: they stay.
    if isPending { for owner in owners { _ = Unmanaged.passRetained(owner) } }
    guard MPILibrary.isReady else { return }
    for var handle in handles { _ = lockstep_mpi_request_free(&handle) }
  }

  /// Adds a message to send.
  ///
  /// - Parameters:
  ///   - selection: which values to send; all of them by default.
  ///   - owner: what keeps the buffer's memory; it lives as long as this object.
  public func addSend<T: MPIDatatype>(
    _ values: UnsafeBufferPointer<T>, selecting selection: MPISelection<T>? = nil,
    to destination: Int, tag: Int = 0, owner: AnyObject
  ) throws(MPIError) {
    let call = "MPI_Send_init"
    try requireIdle(call)
    let to = try communicator.requireRank(call, "destination", destination)
    let tag = try communicator.requireTag(call, tag)
    try add(call, values.count, selection, owner, with: destination) { (run, request) in
      lockstep_mpi_send_init(
        address(values), run.count, run.type, to, tag, communicator.handle, &request)
    }
  }

  /// Adds a message of at most `values.count` values to receive, or of as many as are selected.
  ///
  /// - Parameters:
  ///   - selection: the places that the values are put to; the front of the buffer by default.
  ///   - owner: what keeps the buffer's memory; it lives as long as this object.
  public func addReceive<T: MPIDatatype>(
    into values: UnsafeMutableBufferPointer<T>, selecting selection: MPISelection<T>? = nil,
    from source: Int, tag: Int = 0, owner: AnyObject
  ) throws(MPIError) {
    let call = "MPI_Recv_init"
    try requireIdle(call)
    let from = try communicator.requireRank(call, "source", source)
    let tag = try communicator.requireTag(call, tag)
    try add(call, values.count, selection, owner, with: source) { (run, request) in
      lockstep_mpi_recv_init(
        address(values), run.count, run.type, from, tag, communicator.handle, &request)
    }
  }

  /// Starts all messages.
  public func start() throws(MPIError) {
    try requireIdle("MPI_Startall")
    guard peers.contains(nil) else {
      try check("MPI_Startall", lockstep_mpi_startall(Int32(handles.count), &handles))
      isPending = true
      return
    }
    isPending = true
    // Collectives start in the same order on all ranks, which one call for all does not promise.
    for index in handles.indices {
      try check("MPI_Start", lockstep_mpi_start(&handles[index]))
    }
  }

  /// Waits for all messages: what was received is there, and what was sent may be overwritten.
  ///
  /// - Parameter stillWaiting: hears now and then, in a wait of more than some milliseconds, the rank
  ///   at the other end of the first message that has not arrived.
  public func wait(stillWaiting: (_ peer: Int) -> Void = { _ in }) throws(MPIError) {
    try communicator.requireUsable("MPI_Testall")
    var tries = 0
    while try !test() {
      tries += 1
      // Looking at messages one by one costs; most waits are short.
      if tries % 1024 == 0, let peer = try firstPending() { stillWaiting(peer) }
    }
  }

  /// Lets MPI go on with the messages; returns whether all have arrived, after which nothing is
  /// pending.
  public func test() throws(MPIError) -> Bool {
    guard isPending else { return true }
    var flag: Int32 = 0
    let code = lockstep_mpi_testall(Int32(handles.count), &handles, &flag, &statuses)
    if code == lockstep_mpi_error_in_status() {
      isPending = false
      for var status in statuses {
        try check("MPI_Testall", lockstep_mpi_status_error(&status))
      }
    }
    try check("MPI_Testall", code)
    if flag != 0 { isPending = false }
    return flag != 0
  }

  /// The other end of the first message that has not arrived.
  private func firstPending() throws(MPIError) -> Int? {
    for index in handles.indices {
      var flag: Int32 = 0
      var status = lockstep_mpi_status()
      // One that has arrived is inactive afterwards, and then always has.
      try check("MPI_Test", lockstep_mpi_test(&handles[index], &flag, &status))
      if flag == 0, let peer = peers[index] { return peer }
    }
    return nil
  }

  func requireIdle(_ call: String) throws(MPIError) {
    try communicator.requireUsable(call)
    guard !isPending else {
      throw MPIError(
        kind: .state, call: call, message: "the messages were started and not waited for",
        rank: WorldRank.known)
    }
  }

  func add<T: MPIDatatype>(
    _ call: String, _ count: Int, _ selection: MPISelection<T>?, _ owner: AnyObject,
    with peer: Int?,
    _ make: (Transfer, inout lockstep_mpi_request) -> Int32
  ) throws(MPIError) {
    var request = lockstep_mpi_request_null()
    try Transfer.of(count, selecting: selection, limit: communicator.largestCount, call) {
      (run) throws(MPIError) in
      try check(call, make(run, &request))
    }
    handles.append(request)
    statuses.append(lockstep_mpi_status())
    owners.append(owner)
    peers.append(peer)
  }
}
