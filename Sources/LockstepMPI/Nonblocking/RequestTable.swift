internal import CMPI

#if canImport(Glibc)
  internal import Glibc
#elseif canImport(Musl)
  internal import Musl
#endif

/// The operations that a scope has started, and what they need until they finish.
final class RequestTable {
  struct Entry {
    let call: String
    let isReceive: Bool
    var owners: [AnyObject]
    var status: MPIStatus?
  }

  let communicator: MPICommunicator
  private var handles: [lockstep_mpi_request] = []
  private var entries: [Entry] = []
  /// What ``MPIRequestScope/pin(_:)-([T])`` keeps until the scope ends.
  var pinned: [AnyObject] = []
  private var isOpen = true

  init(_ communicator: MPICommunicator) { self.communicator = communicator }

  func start(
    _ call: String, isReceive: Bool = false, owner: AnyObject? = nil,
    _ body: (OperationStart) throws(MPIError) -> Void
  ) throws(MPIError) -> MPIRequest {
    try requireOpen(call)
    let start = OperationStart()
    if let owner { start.owners.append(owner) }
    try body(start)
    handles.append(start.request)
    entries.append(Entry(call: call, isReceive: isReceive, owners: start.owners, status: nil))
    return MPIRequest(table: self, index: entries.count - 1)
  }

  func status(_ index: Int) -> MPIStatus? { entries[index].status }

  func wait(_ index: Int) throws(MPIError) -> MPIStatus {
    if let known = entries[index].status { return known }
    try requireOpen("MPI_Wait")
    var status = lockstep_mpi_status()
    try check("MPI_Wait", lockstep_mpi_wait(&handles[index], &status))
    return try finish(index, status)
  }

  func test(_ index: Int) throws(MPIError) -> MPIStatus? {
    if let known = entries[index].status { return known }
    try requireOpen("MPI_Test")
    var status = lockstep_mpi_status()
    var flag: Int32 = 0
    try check("MPI_Test", lockstep_mpi_test(&handles[index], &flag, &status))
    return flag == 0 ? nil : try finish(index, status)
  }

  func cancel(_ index: Int) throws(MPIError) {
    guard entries[index].status == nil else { return }
    try requireOpen("MPI_Cancel")
    guard entries[index].isReceive else {
      throw argumentError(
        "MPI_Cancel", "\(entries[index].call) cannot be cancelled: only a receive can")
    }
    try check("MPI_Cancel", lockstep_mpi_cancel(&handles[index]))
  }

  /// The next operation to finish, waiting for it or not.
  func any(waits: Bool) throws(MPIError) -> (request: MPIRequest, status: MPIStatus)? {
    let call = waits ? "MPI_Waitany" : "MPI_Testany"
    try requireOpen(call)
    var index: Int32 = 0
    var flag: Int32 = 1
    var status = lockstep_mpi_status()
    let count = Int32(handles.count)
    try check(
      call,
      waits
        ? lockstep_mpi_waitany(count, &handles, &index, &status)
        : lockstep_mpi_testany(count, &handles, &index, &flag, &status))
    guard flag != 0, index != lockstep_mpi_undefined() else { return nil }
    return (MPIRequest(table: self, index: Int(index)), try finish(Int(index), status))
  }

  /// All operations that have finished since; where one waits, at least one, if any is pending.
  func some(waits: Bool) throws(MPIError) -> [(request: MPIRequest, status: MPIStatus)] {
    let call = waits ? "MPI_Waitsome" : "MPI_Testsome"
    try requireOpen(call)
    let count = handles.count
    var finished: Int32 = 0
    var indices = [Int32](repeating: 0, count: count)
    var statuses = [lockstep_mpi_status](repeating: .init(), count: count)
    let code =
      waits
      ? lockstep_mpi_waitsome(Int32(count), &handles, &finished, &indices, &statuses)
      : lockstep_mpi_testsome(Int32(count), &handles, &finished, &indices, &statuses)
    guard finished != lockstep_mpi_undefined() else { return [] }
    let range = 0..<Int(finished)
    try checkAll(call, code, statuses: range.map { statuses[$0] })
    return try range.map { (place) throws(MPIError) in
      let index = Int(indices[place])
      return (MPIRequest(table: self, index: index), try finish(index, statuses[place]))
    }
  }

  /// Waits for all operations, or tests whether all have finished.
  func all(waits: Bool) throws(MPIError) -> Bool {
    let call = waits ? "MPI_Waitall" : "MPI_Testall"
    try requireOpen(call)
    let count = handles.count
    let pending = handles.indices.filter { entries[$0].status == nil }
    var flag: Int32 = 1
    var statuses = [lockstep_mpi_status](repeating: .init(), count: count)
    let code =
      waits
      ? lockstep_mpi_waitall(Int32(count), &handles, &statuses)
      : lockstep_mpi_testall(Int32(count), &handles, &flag, &statuses)
    try checkAll(call, code, statuses: pending.map { statuses[$0] })
    guard flag != 0 else { return false }
    for index in pending { _ = try finish(index, statuses[index]) }
    return true
  }

  /// Ends the scope after success: every operation finishes.
  func close() throws(MPIError) {
    _ = try all(waits: true)
    isOpen = false
    pinned = []
  }

  /// Ends the scope after an error: receives are cancelled, and everything else may finish.
  ///
  /// Neither a send nor a collective can be called back, and its buffer must not go while MPI may
  /// still read it. If the peers do not take part within the time, this job cannot go on safely:
  /// the error is printed and the job ends.
  func unwind(_ error: any Error, within seconds: Double) {
    defer { isOpen = false }
    guard isOpen, MPILibrary.isReady else { return }
    for index in handles.indices
    where entries[index].isReceive && lockstep_mpi_request_is_null(handles[index]) == 0 {
      _ = lockstep_mpi_cancel(&handles[index])
    }
    let deadline = MPI_Wtime() + seconds
    for index in handles.indices {
      while lockstep_mpi_request_is_null(handles[index]) == 0 {
        var flag: Int32 = 0
        var status = lockstep_mpi_status()
        let code = lockstep_mpi_test(&handles[index], &flag, &status)
        if flag != 0 || code != lockstep_mpi_success() { break }
        if MPI_Wtime() > deadline {
          MPISession.abort(
            MPIError(
              kind: .state, call: entries[index].call,
              message: """
                still pending \(seconds) s after the scope that started it failed with: \(error)
                """, rank: MPILibrary.worldRank))
        }
        sched_yield()
      }
    }
    pinned = []
  }

  private func requireOpen(_ call: String) throws(MPIError) {
    try communicator.requireUsable(call)
    guard isOpen else {
      throw MPIError(
        kind: .state, call: call,
        message: "the scope of this request has ended: nothing can be started or waited for in it",
        rank: MPILibrary.worldRank)
    }
  }

  private func finish(_ index: Int, _ status: lockstep_mpi_status) throws(MPIError) -> MPIStatus {
    // A send or a collective fills no source, tag or length in.
    let result = entries[index].isReceive ? try MPIStatus(status) : MPIStatus.withoutMessage
    entries[index].status = result
    entries[index].owners = []
    return result
  }

  /// Throws the first error among several operations, by the name of the call that started it.
  private func checkAll(_ call: String, _ code: Int32, statuses: [lockstep_mpi_status])
    throws(MPIError)
  {
    if code == lockstep_mpi_error_in_status() {
      for var status in statuses {
        let error = lockstep_mpi_status_error(&status)
        if error != lockstep_mpi_success(), error != lockstep_mpi_error_pending() {
          throw libraryError(call, error)
        }
      }
    }
    try check(call, code)
  }
}
