internal import CMPI

/// Messages that are sent and received again and again between the same buffers.
///
/// They are described once; a step then starts and waits for all of them with nothing allocated.
/// Source: MPI 3.1, section 3.9.
public final class MPIPersistentMessages {
  private let communicator: MPICommunicator
  private var handles: [lockstep_mpi_request] = []
  private var statuses: [lockstep_mpi_status] = []
  private var owners: [AnyObject] = []
  private var isPending = false

  /// No messages yet, between the ranks of a communicator.
  public init(on communicator: MPICommunicator) { self.communicator = communicator }

  deinit {
    guard MPILibrary.isReady else { return }
    for var handle in handles { _ = lockstep_mpi_request_free(&handle) }
  }

  /// Adds a message to send.
  ///
  /// - Parameter owner: what keeps the buffer's memory; it lives as long as this object.
  public func addSend<T: MPIDatatype>(
    _ values: UnsafeBufferPointer<T>, to destination: Int, tag: Int = 0, owner: AnyObject
  ) throws(MPIError) {
    let call = "MPI_Send_init"
    try requireIdle(call)
    let to = try communicator.requireRank(call, "destination", destination)
    let tag = try communicator.requireTag(call, tag)
    try add(call, values.count, T.self, owner) { (run, request) in
      lockstep_mpi_send_init(
        address(values), run.count, run.type, to, tag, communicator.handle, &request)
    }
  }

  /// Adds a message of at most `values.count` values to receive.
  ///
  /// - Parameter owner: what keeps the buffer's memory; it lives as long as this object.
  public func addReceive<T: MPIDatatype>(
    into values: UnsafeMutableBufferPointer<T>, from source: Int, tag: Int = 0, owner: AnyObject
  ) throws(MPIError) {
    let call = "MPI_Recv_init"
    try requireIdle(call)
    let from = try communicator.requireRank(call, "source", source)
    let tag = try communicator.requireTag(call, tag)
    try add(call, values.count, T.self, owner) { (run, request) in
      lockstep_mpi_recv_init(
        address(values), run.count, run.type, from, tag, communicator.handle, &request)
    }
  }

  /// Starts all messages.
  public func start() throws(MPIError) {
    try requireIdle("MPI_Startall")
    try check("MPI_Startall", lockstep_mpi_startall(Int32(handles.count), &handles))
    isPending = true
  }

  /// Waits for all messages: what was received is there, and what was sent may be overwritten.
  public func wait() throws(MPIError) {
    try communicator.requireUsable("MPI_Waitall")
    let code = lockstep_mpi_waitall(Int32(handles.count), &handles, &statuses)
    isPending = false
    if code == lockstep_mpi_error_in_status() {
      for var status in statuses {
        try check("MPI_Waitall", lockstep_mpi_status_error(&status))
      }
    }
    try check("MPI_Waitall", code)
  }

  private func requireIdle(_ call: String) throws(MPIError) {
    try communicator.requireUsable(call)
    guard !isPending else {
      throw MPIError(
        kind: .state, call: call, message: "the messages were started and not waited for",
        rank: MPILibrary.worldRank)
    }
  }

  private func add<T: MPIDatatype>(
    _ call: String, _ count: Int, _: T.Type, _ owner: AnyObject,
    _ make: (Transfer, inout lockstep_mpi_request) -> Int32
  ) throws(MPIError) {
    var request = lockstep_mpi_request_null()
    try Transfer.of(count, T.self, limit: communicator.largestCount, call) {
      (run) throws(MPIError) in
      try check(call, make(run, &request))
    }
    handles.append(request)
    statuses.append(lockstep_mpi_status())
    owners.append(owner)
  }
}
