internal import CMPI
import LockstepPlatform

/// The operations that a scope has started, and what they need until they finish.
///
/// Only operations that are pending have a handle here, so that a long-lived scope stays small and a
/// wait looks at nothing that has finished long ago.
final class RequestTable {
  let communicator: MPICommunicator
  private var handles: [lockstep_mpi_request] = []
  /// The pending operations, each at the index of its handle.
  private var pending: [StartedOperation] = []
  /// What has finished, in that order, and whose end may still have to be reported, from `nextFinished`
  /// on.
  private var finished: [StartedOperation] = []
  private var nextFinished = 0
  /// What ``MPIRequestScope/pin(_:)-([T])`` keeps until the scope ends.
  private var pinned: [ObjectIdentifier: AnyObject] = [:]
  private var isOpen = true
  private var started = 0
  /// The number of pending operations at which the next start looks whether some have finished.
  private var collectsAt = RequestTable.window
  /// Where the next look at a part of the pending operations begins.
  private var cursor = 0
  private var indices: [Int32] = []
  private var statuses: [lockstep_mpi_status] = []

  /// How many handles were looked at so far.
  private(set) var examined = 0
  var pendingCount: Int { pending.count }

  /// How many operations a look for the next one to finish takes at once. All of them would make n
  /// waits for n operations cost n².
  private static let window = 256

  init(_ communicator: MPICommunicator) { self.communicator = communicator }

  /// Keeps a buffer until the scope ends.
  func pin(_ buffer: AnyObject) throws(MPIError) {
    try requireOpen("MPIRequestScope.pin")
    pinned[ObjectIdentifier(buffer)] = buffer
  }

  func start(
    _ call: String, received: ReceivedType? = nil, owner: AnyObject? = nil,
    _ body: (OperationStart) throws(MPIError) -> Void
  ) throws(MPIError) -> StartedOperation {
    try requireOpen(call)
    if pending.count >= collectsAt {
      // Buffers of what has finished go, though nobody waits for it.
      try collect("MPI_Testsome", 0..<pending.count, waits: false)
      collectsAt = max(Self.window, 2 * pending.count)
    }
    let start = OperationStart()
    if let owner { start.owners.append(owner) }
    try body(start)
    let operation = StartedOperation(
      call, received: received, owners: start.owners, serial: started, place: pending.count)
    started += 1
    handles.append(start.request)
    pending.append(operation)
    return operation
  }

  func wait(_ operation: StartedOperation) throws(MPIError) -> MPIStatus {
    try requireOpen("MPI_Wait")
    if operation.outcome == nil {
      var status = lockstep_mpi_status()
      finish(operation, status: lockstep_mpi_wait(&handles[operation.place], &status), status)
    }
    return try report(operation)
  }

  func test(_ operation: StartedOperation) throws(MPIError) -> MPIStatus? {
    try requireOpen("MPI_Test")
    if operation.outcome == nil {
      var status = lockstep_mpi_status()
      var flag: Int32 = 0
      let code = lockstep_mpi_test(&handles[operation.place], &flag, &status)
      guard flag != 0 || code != lockstep_mpi_success() else { return nil }
      finish(operation, status: code, status)
    }
    return try report(operation)
  }

  func cancel(_ operation: StartedOperation) throws(MPIError) {
    try requireOpen("MPI_Cancel")
    guard operation.outcome == nil else { return }
    guard operation.received != nil else {
      throw argumentError("MPI_Cancel", "\(operation.call) cannot be cancelled: only a receive can")
    }
    try check("MPI_Cancel", lockstep_mpi_cancel(&handles[operation.place]))
  }

  /// The next operation to finish, waiting for it or not.
  func any(waits: Bool) throws(MPIError) -> (operation: StartedOperation, status: MPIStatus)? {
    let call = waits ? "MPI_Waitsome" : "MPI_Testsome"
    try requireOpen(call)
    var looked = 0
    while true {
      if let operation = nextToReport() {
        return (operation, try report(operation))
      }
      if pending.isEmpty || !waits && looked >= pending.count { return nil }
      if cursor >= pending.count { cursor = 0 }
      let part = cursor..<min(cursor + Self.window, pending.count)
      let isAll = part.count == pending.count
      if try collect(call, part, waits: waits && isAll) == 0 {
        cursor = part.upperBound
        looked += part.count
        if waits, part.upperBound == pending.count { sched_yield() }
      }
    }
  }

  /// All operations that have finished since; where one waits, at least one, if any is pending.
  func some(waits: Bool) throws(MPIError) -> [(operation: StartedOperation, status: MPIStatus)] {
    let call = waits ? "MPI_Waitsome" : "MPI_Testsome"
    try requireOpen(call)
    let known = nextToReport()
    if known != nil { nextFinished -= 1 }
    try collect(call, 0..<pending.count, waits: waits && known == nil)
    var result: [(operation: StartedOperation, status: MPIStatus)] = []
    while let operation = nextToReport() {
      // What went before a failure is told first; the failure is the next call's.
      if !result.isEmpty, case .failure = operation.outcome {
        nextFinished -= 1
        break
      }
      result.append((operation, try report(operation)))
    }
    return result
  }

  /// Waits for all operations, or tests whether all have finished.
  ///
  /// - Throws: the error of the first operation, in the order of their starts, that failed and whose
  ///   failure nobody has heard of.
  func all(waits: Bool) throws(MPIError) -> Bool {
    try requireOpen(waits ? "MPI_Waitall" : "MPI_Testall")
    if waits {
      waitForAll()
    } else {
      try collect("MPI_Testsome", 0..<pending.count, waits: false)
      guard pending.isEmpty else { return false }
    }
    var first: (serial: Int, error: MPIError)?
    while let operation = nextToReport() {
      operation.isReported = true
      if case .failure(let error) = operation.outcome, operation.serial < first?.serial ?? .max {
        first = (operation.serial, error)
      }
    }
    if let first { throw first.error }
    return true
  }

  /// Ends the scope after success: every operation finishes.
  func close() throws(MPIError) {
    _ = try all(waits: true)
    isOpen = false
    pinned = [:]
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
    where pending[index].received != nil && lockstep_mpi_request_is_null(handles[index]) == 0 {
      _ = lockstep_mpi_cancel(&handles[index])
    }
    let deadline = MPI_Wtime() + seconds
    for index in handles.indices {
      while lockstep_mpi_request_is_null(handles[index]) == 0 {
        var flag: Int32 = 0
        var status = lockstep_mpi_status()
        let code = lockstep_mpi_test(&handles[index], &flag, &status)
        if flag != 0 || code != lockstep_mpi_success() { break }
        // Not "later than the deadline", which no time is where the deadline is not a number.
        if !(MPI_Wtime() <= deadline) {
          MPISession.abort(
            MPIError(
              kind: .state, call: pending[index].call,
              message: """
                still pending \(seconds) s after the scope that started it failed with: \(error)
                """, rank: WorldRank.known))
        }
        sched_yield()
      }
    }
    pinned = [:]
    handles = []
    pending = []
  }

  private func requireOpen(_ call: String) throws(MPIError) {
    try communicator.requireUsable(call)
    guard isOpen else {
      throw MPIError(
        kind: .state, call: call,
        message: "the scope of this request has ended: nothing can be started or waited for in it",
        rank: WorldRank.known)
    }
  }

  // MARK: What has finished

  /// Looks which pending operations of a part have finished, waiting for one or not; how many have.
  @discardableResult
  private func collect(
    _ call: String, _ part: Range<Int>, waits: Bool
  ) throws(MPIError) -> Int {
    guard !part.isEmpty else { return 0 }
    makeRoom(part.count)
    examined += part.count
    var found: Int32 = 0
    let code = handles.withUnsafeMutableBufferPointer { handles in
      let start = handles.baseAddress! + part.lowerBound  // the part is not empty
      return waits
        ? lockstep_mpi_waitsome(Int32(part.count), start, &found, &indices, &statuses)
        : lockstep_mpi_testsome(Int32(part.count), start, &found, &indices, &statuses)
    }
    let isInStatus = code == lockstep_mpi_error_in_status()
    if !isInStatus { try check(call, code) }
    guard found != lockstep_mpi_undefined(), found > 0 else { return 0 }
    // All of them first: each that goes moves another to its place.
    let operations = indices[..<Int(found)].map { pending[part.lowerBound + Int($0)] }
    for (at, operation) in operations.enumerated() {
      let code = isInStatus ? lockstep_mpi_status_error(&statuses[at]) : lockstep_mpi_success()
      finish(operation, status: code, statuses[at])
      finished.append(operation)
    }
    return operations.count
  }

  /// Waits for each operation by itself, the last one first, so that none has to move: Open MPI 4.1's
  /// `MPI_Waitall` waits for ever where one of them has failed.
  private func waitForAll() {
    while let operation = pending.last {
      var status = lockstep_mpi_status()
      let code = lockstep_mpi_wait(&handles[operation.place], &status)
      finish(operation, status: code, status)
      finished.append(operation)
    }
  }

  private func makeRoom(_ count: Int) {
    guard indices.count < count else { return }
    indices = Array(repeating: 0, count: count)
    statuses = Array(repeating: lockstep_mpi_status(), count: count)
  }

  /// Takes an operation out of those that are pending.
  private func finish(
    _ operation: StartedOperation, status code: Int32, _ status: lockstep_mpi_status
  ) {
    do throws(MPIError) {
      try check(operation.call, code)
      // A send or a collective fills no source, tag or length in.
      operation.outcome = .success(
        try operation.received?.status(status, operation.call) ?? .withoutMessage)
    } catch {
      operation.outcome = .failure(error)
    }
    operation.owners = []
    let place = operation.place
    if lockstep_mpi_request_is_null(handles[place]) == 0 {
      _ = lockstep_mpi_request_free(&handles[place])
    }
    let last = handles.count - 1
    if place != last {
      handles[place] = handles[last]
      pending[place] = pending[last]
      pending[place].place = place
    }
    handles.removeLast()
    pending.removeLast()
  }

  /// The next operation whose end nobody has heard of.
  private func nextToReport() -> StartedOperation? {
    while nextFinished < finished.count {
      let operation = finished[nextFinished]
      nextFinished += 1
      if nextFinished > Self.window, 2 * nextFinished > finished.count {
        finished.removeFirst(nextFinished)
        nextFinished = 0
      }
      if !operation.isReported { return operation }
    }
    return nil
  }

  private func report(_ operation: StartedOperation) throws(MPIError) -> MPIStatus {
    operation.isReported = true
    switch operation.outcome {
    case .success(let status): return status
    case .failure(let error): throw error
    case nil: return .withoutMessage  // never: it was waited for
    }
  }
}
