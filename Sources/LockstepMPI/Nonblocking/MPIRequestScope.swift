internal import CMPI

extension MPICommunicator {
  /// Calls `body` with a scope in which operations are started, and waits for all of them.
  ///
  /// ```swift
  /// let incoming = MPIBuffer(repeating: Float(0), count: 1000)
  /// try world.withRequests { scope in
  ///   try scope.receive(into: scope.pin(incoming), from: left)
  ///   try scope.send(scope.pin(values), to: right)
  ///   compute()
  /// }
  /// ```
  ///
  /// No operation outlives the scope. Buffers that the scope pins live at least as long; a buffer
  /// pointer of one's own must stay valid until `withRequests` returns, so take the pointer
  /// outside: `array.withUnsafeMutableBufferPointer { buffer in try world.withRequests { … } }`.
  ///
  /// When `body` throws, pending receives are cancelled. Sends and collectives cannot be: they get
  /// some time to finish, and if the peers do not take part the whole job is ended, because memory
  /// that MPI still reads must not be given back.
  ///
  /// - Parameter unwindSeconds: the time that sends and collectives get after an error, 0 or more.
  /// - Throws: what `body` throws; after it the error of an operation that failed and that nobody
  ///   waited for.
  @discardableResult
  public func withRequests<Result>(
    unwindSeconds: Double = 5, _ body: (MPIRequestScope) throws -> Result
  ) throws -> Result {
    try requireUsable("MPI_Waitall")
    guard unwindSeconds >= 0 else {
      throw argumentError("MPI_Waitall", "unwindSeconds is \(unwindSeconds); it must be 0 or more")
    }
    let table = RequestTable(self)
    do {
      let result = try body(MPIRequestScope(table))
      try table.close()
      return result
    } catch {
      table.unwind(error, within: unwindSeconds)
      throw error
    }
  }
}

/// Where non-blocking operations are started; see ``MPICommunicator/withRequests(unwindSeconds:_:)``.
///
/// After the closure that it is lent to has returned, everything has finished, and every use of the
/// scope or its requests throws. Source: MPI 3.1, section 3.7.
public struct MPIRequestScope {
  let table: RequestTable

  /// The communicator whose operations these are.
  public var communicator: MPICommunicator { table.communicator }

  init(_ table: RequestTable) { self.table = table }

  /// The number of operations that have not finished, as far as is known.
  package var pendingCount: Int { table.pendingCount }
  /// How often an operation was looked at, for tests.
  package var examined: Int { table.examined }

  /// Starts an operation.
  ///
  /// - Parameters:
  ///   - call: the MPI function's name, for errors.
  ///   - received: the type that a receive takes values of.
  ///   - owner: what must live until it has finished.
  func start(
    _ call: String, received: ReceivedType? = nil, owner: AnyObject? = nil,
    _ body: (OperationStart) throws(MPIError) -> Void
  ) throws(MPIError) -> MPIRequest {
    request(try table.start(call, received: received, owner: owner, body))
  }

  private func request(_ operation: StartedOperation) -> MPIRequest {
    MPIRequest(table: table, operation: operation)
  }

  // MARK: Buffers that live as long as the scope

  /// The buffer's values, kept until the scope ends.
  ///
  /// - Throws: ``MPIError`` of kind `state` where the scope has ended.
  public func pin<T: MPIDatatype>(
    _ buffer: MPIBuffer<T>
  ) throws(MPIError) -> UnsafeMutableBufferPointer<T> {
    try table.pin(buffer)
    return buffer.values
  }

  /// A copy of the array, kept until the scope ends.
  ///
  /// A scope that lives long keeps every copy that was pinned; ``send(_:to:tag:synchronous:)-([T],_,_,_)``
  /// keeps its own until the message has gone.
  public func pin<T: MPIDatatype>(_ array: [T]) throws(MPIError) -> UnsafeBufferPointer<T> {
    UnsafeBufferPointer(try pin(MPIBuffer(array)))
  }

  // MARK: Messages

  /// Starts to send values; see ``MPICommunicator/send(_:selecting:to:tag:synchronous:)``.
  @discardableResult
  public func send<T: MPIDatatype>(
    _ values: UnsafeBufferPointer<T>, selecting selection: MPISelection<T>? = nil,
    to destination: Int, tag: Int = 0, synchronous: Bool = false
  ) throws(MPIError) -> MPIRequest {
    try send(
      values, selecting: selection, to: destination, tag: tag, synchronous: synchronous, owner: nil)
  }

  /// - Parameter owner: what keeps the values until the message has gone.
  private func send<T: MPIDatatype>(
    _ values: UnsafeBufferPointer<T>, selecting selection: MPISelection<T>?, to destination: Int,
    tag: Int, synchronous: Bool, owner: AnyObject?
  ) throws(MPIError) -> MPIRequest {
    try start(synchronous ? "MPI_Issend" : "MPI_Isend", owner: owner) {
      (start) throws(MPIError) in
      try communicator.send(
        values, selecting: selection, to: destination, tag: tag, synchronous: synchronous, start)
    }
  }

  /// Starts to send a copy of an array, which is kept until the message has gone.
  @discardableResult
  public func send<T: MPIDatatype>(
    _ values: [T], to destination: Int, tag: Int = 0, synchronous: Bool = false
  ) throws(MPIError) -> MPIRequest {
    let copy = MPIBuffer(values)
    return try send(
      UnsafeBufferPointer(copy.values), selecting: nil, to: destination, tag: tag,
      synchronous: synchronous, owner: copy)
  }

  /// Starts to receive a message of at most `values.count` values, or of as many as are selected.
  ///
  /// - Parameters:
  ///   - selection: the places that the values are put to; the front of the buffer by default.
  ///   - source: a rank of the communicator, or nil for any.
  ///   - tag: the message's tag, or nil for any.
  @discardableResult
  public func receive<T: MPIDatatype>(
    into values: UnsafeMutableBufferPointer<T>, selecting selection: MPISelection<T>? = nil,
    from source: Int?, tag: Int? = 0
  ) throws(MPIError) -> MPIRequest {
    try receive(into: values, selecting: selection, from: source, tag: tag, owner: nil)
  }

  /// - Parameter owner: what keeps the values' memory until the message has arrived.
  private func receive<T: MPIDatatype>(
    into values: UnsafeMutableBufferPointer<T>, selecting selection: MPISelection<T>?,
    from source: Int?, tag: Int?, owner: AnyObject?
  ) throws(MPIError) -> MPIRequest {
    try start("MPI_Irecv", received: ReceivedType(T.self), owner: owner) {
      (start) throws(MPIError) in
      try communicator.receive(into: values, selecting: selection, from: source, tag: tag, start)
    }
  }

  /// Starts to receive a message into a buffer, which is kept until the message has arrived.
  @discardableResult
  public func receive<T: MPIDatatype>(
    into buffer: MPIBuffer<T>, from source: Int?, tag: Int? = 0
  ) throws(MPIError) -> MPIRequest {
    try receive(into: buffer.values, selecting: nil, from: source, tag: tag, owner: buffer)
  }

  // MARK: Completion

  /// Waits until all operations of the scope have finished.
  public func waitAll() throws(MPIError) { _ = try table.all(waits: true) }

  /// Whether all operations of the scope have finished.
  public func testAll() throws(MPIError) -> Bool { try table.all(waits: false) }

  /// Waits for one operation that was not reported yet; nil where none is pending.
  public func waitAny() throws(MPIError) -> (request: MPIRequest, status: MPIStatus)? {
    try table.any(waits: true).map { (request($0.operation), $0.status) }
  }

  /// One operation that has finished and was not reported yet, or nil.
  public func testAny() throws(MPIError) -> (request: MPIRequest, status: MPIStatus)? {
    try table.any(waits: false).map { (request($0.operation), $0.status) }
  }

  /// Waits until at least one operation has finished; all those that have. Empty where none is
  /// pending.
  public func waitSome() throws(MPIError) -> [(request: MPIRequest, status: MPIStatus)] {
    try table.some(waits: true).map { (request($0.operation), $0.status) }
  }

  /// All operations that have finished and were not reported yet.
  public func testSome() throws(MPIError) -> [(request: MPIRequest, status: MPIStatus)] {
    try table.some(waits: false).map { (request($0.operation), $0.status) }
  }
}

extension MPICommunicator {
  func send<T: MPIDatatype>(
    _ values: UnsafeBufferPointer<T>, selecting selection: MPISelection<T>?, to destination: Int,
    tag: Int, synchronous: Bool, _ start: OperationStart
  ) throws(MPIError) {
    let call = synchronous ? "MPI_Issend" : "MPI_Isend"
    try requireUsable(call)
    let to = try requireRank(call, "destination", destination)
    let tag = try requireTag(call, tag)
    try Transfer.of(values.count, selecting: selection, limit: largestCount, call) {
      (run) throws(MPIError) in
      try check(
        call,
        synchronous
          ? lockstep_mpi_issend(
            address(values), run.count, run.type, to, tag, handle, &start.request)
          : lockstep_mpi_isend(
            address(values), run.count, run.type, to, tag, handle, &start.request))
    }
  }

  func receive<T: MPIDatatype>(
    into values: UnsafeMutableBufferPointer<T>, selecting selection: MPISelection<T>?,
    from source: Int?, tag: Int?, _ start: OperationStart
  ) throws(MPIError) {
    let call = "MPI_Irecv"
    let (from, tag) = try selector(call, source, tag)
    try Transfer.of(values.count, selecting: selection, limit: largestCount, call) {
      (run) throws(MPIError) in
      try check(
        call,
        lockstep_mpi_irecv(
          address(values), run.count, run.type, from, tag, handle, &start.request))
    }
  }
}
