internal import CMPI

// Messages between two ranks, blocking. Source: MPI 3.1, chapter 3.

extension MPICommunicator {
  /// Sends values to a rank; returns when the buffer may be changed again.
  ///
  /// - Parameters:
  ///   - values: the message, or the buffer that it is chosen from.
  ///   - selection: which values to send; all of them by default.
  ///   - destination: a rank of this communicator.
  ///   - tag: 0 or greater; the receiver can select by it.
  ///   - synchronous: whether to return only after the receiver has begun to receive.
  public func send<T: MPIDatatype>(
    _ values: UnsafeBufferPointer<T>, selecting selection: MPISelection<T>? = nil,
    to destination: Int, tag: Int = 0, synchronous: Bool = false
  ) throws(MPIError) {
    let call = synchronous ? "MPI_Ssend" : "MPI_Send"
    try requireUsable(call)
    let to = try requireRank(call, "destination", destination)
    let tag = try requireTag(call, tag)
    try Transfer.of(values.count, selecting: selection, limit: largestCount, call) {
      (run) throws(MPIError) in
      try check(
        call,
        synchronous
          ? lockstep_mpi_ssend(address(values), run.count, run.type, to, tag, handle)
          : lockstep_mpi_send(address(values), run.count, run.type, to, tag, handle))
    }
  }

  /// Receives a message of at most `values.count` values, or of as many as are selected.
  ///
  /// - Parameters:
  ///   - selection: the places that the values are put to; the front of the buffer by default.
  ///   - source: a rank of this communicator, or nil for any.
  ///   - tag: the message's tag, or nil for any.
  /// - Returns: who sent it, and how long it is.
  /// - Throws: ``MPIError`` of kind `library` (truncation) where the message is longer, `argument`
  ///   where it is no whole number of values.
  @discardableResult
  public func receive<T: MPIDatatype>(
    into values: UnsafeMutableBufferPointer<T>, selecting selection: MPISelection<T>? = nil,
    from source: Int?, tag: Int? = 0
  ) throws(MPIError) -> MPIStatus {
    let call = "MPI_Recv"
    let (from, tag) = try selector(call, source, tag)
    try selection?.requireFits(call, values.count)
    var message = lockstep_mpi_message()
    var status = lockstep_mpi_status()
    // Open MPI 4.1 writes what is too long behind the buffer, so the length is looked at first.
    try check("MPI_Mprobe", lockstep_mpi_mprobe(from, tag, handle, &message, &status))
    let bytes = try MPIStatus(status).byteCount
    guard bytes <= (selection?.count ?? values.count) * T.mpiLayout.messageBytes else {
      try receiveAside(message, bytes, call)
      throw libraryError(call, lockstep_mpi_error_truncate())
    }
    guard bytes % T.mpiLayout.messageBytes == 0 else {
      try receiveAside(message, bytes, call)
      return try ReceivedType(T.self).status(status, call)
    }
    return try ReceivedType(T.self).status(
      try receive(message, into: values, selecting: selection, call), call)
  }

  /// Receives a message that does not fit what it was meant for: too long, or no whole number of values,
  /// which ends a process in MPICH.
  private func receiveAside(
    _ message: lockstep_mpi_message, _ bytes: Int, _ call: String
  ) throws(MPIError) {
    let _: [UInt8] = try makeArray(call, bytes) { (rest) throws(MPIError) in
      try receive(message, into: rest, call)
    }
  }

  /// Receives a message that a matched probe has found.
  @discardableResult
  private func receive<T: MPIDatatype>(
    _ message: lockstep_mpi_message, into values: UnsafeMutableBufferPointer<T>,
    selecting selection: MPISelection<T>? = nil, _ call: String
  ) throws(MPIError) -> lockstep_mpi_status {
    var message = message
    var status = lockstep_mpi_status()
    try Transfer.of(values.count, selecting: selection, limit: largestCount, call) {
      (run) throws(MPIError) in
      try check(
        call, lockstep_mpi_mrecv(address(values), run.count, run.type, &message, &status))
    }
    return status
  }

  /// Receives a message of whatever length.
  public func receive<T: MPIDatatype>(
    _ type: T.Type, from source: Int?, tag: Int? = 0
  ) throws(MPIError) -> [T] {
    try receiveWithStatus(type, from: source, tag: tag).values
  }

  /// Receives a message of exactly one value.
  ///
  /// ```swift
  /// let loss: Double = try world.receive(from: 0)
  /// ```
  ///
  /// - Throws: ``MPIError`` of kind `argument` where the message has another length.
  public func receive<T: MPIDatatype>(from source: Int?, tag: Int? = 0) throws(MPIError) -> T {
    let (values, status) = try receiveWithStatus(T.self, from: source, tag: tag)
    guard values.count == 1 else {
      throw argumentError(
        "MPI_Mrecv",
        "the message from rank \(status.source) holds \(values.count) values where one was expected"
      )
    }
    return values[0]
  }

  /// Receives a message of whatever length, and says who sent it.
  public func receiveWithStatus<T: MPIDatatype>(
    _: T.Type, from source: Int?, tag: Int? = 0
  ) throws(MPIError) -> (values: [T], status: MPIStatus) {
    let (from, tag) = try selector("MPI_Mprobe", source, tag)
    var message = lockstep_mpi_message()
    var probed = lockstep_mpi_status()
    // A matched probe: no other thread can take the message in between.
    try check("MPI_Mprobe", lockstep_mpi_mprobe(from, tag, handle, &message, &probed))
    let status = try MPIStatus(probed)
    let call = "MPI_Mrecv"
    let (count, rest) = status.byteCount.quotientAndRemainder(dividingBy: T.mpiLayout.messageBytes)
    guard rest == 0 else {
      try receiveAside(message, status.byteCount, call)
      return ([], try ReceivedType(T.self).status(probed, call))
    }
    let values: [T] = try makeArray(call, count) { (buffer) throws(MPIError) in
      try receive(message, into: buffer, call)
    }
    return (values, try ReceivedType(T.self).status(probed, call))
  }

  /// Sends one message and receives another, with no deadlock when two ranks do so at once.
  @discardableResult
  public func sendReceive<T: MPIDatatype, U: MPIDatatype>(
    _ values: UnsafeBufferPointer<T>, to destination: Int, tag sendTag: Int = 0,
    into result: UnsafeMutableBufferPointer<U>, from source: Int?, receiveTag: Int? = 0
  ) throws(MPIError) -> MPIStatus {
    let call = "MPI_Sendrecv"
    let (from, receiveTag) = try selector(call, source, receiveTag)
    let to = try requireRank(call, "destination", destination)
    let sendTag = try requireTag(call, sendTag)
    let start = UnsafeRawPointer(address(result))
    if !values.isEmpty, !result.isEmpty,
      address(values) < start + result.count * MemoryLayout<U>.stride,
      start < address(values) + values.count * MemoryLayout<T>.stride
    {
      throw argumentError(call, "the two buffers overlap: use the in-place form")
    }
    var status = lockstep_mpi_status()
    try Transfer.of(values.count, T.self, limit: largestCount, call) { (out) throws(MPIError) in
      try Transfer.of(result.count, U.self, limit: largestCount, call) { (back) throws(MPIError) in
        try check(
          call,
          lockstep_mpi_sendrecv(
            address(values), out.count, out.type, to, sendTag, address(result), back.count,
            back.type, from, receiveTag, handle, &status))
      }
    }
    return try ReceivedType(U.self).status(status, call)
  }

  /// Sends the values and replaces them by a message of at most as many.
  @discardableResult
  public func sendReceive<T: MPIDatatype>(
    inPlace values: UnsafeMutableBufferPointer<T>, to destination: Int, tag sendTag: Int = 0,
    from source: Int?, receiveTag: Int? = 0
  ) throws(MPIError) -> MPIStatus {
    let call = "MPI_Sendrecv_replace"
    let (from, receiveTag) = try selector(call, source, receiveTag)
    let to = try requireRank(call, "destination", destination)
    let sendTag = try requireTag(call, sendTag)
    var status = lockstep_mpi_status()
    try Transfer.of(values.count, T.self, limit: largestCount, call) { (run) throws(MPIError) in
      try check(
        call,
        lockstep_mpi_sendrecv_replace(
          address(values), run.count, run.type, to, sendTag, from, receiveTag, handle, &status))
    }
    return try ReceivedType(T.self).status(status, call)
  }

  /// Waits until a message can be received, and leaves it there.
  public func probe(from source: Int?, tag: Int? = 0) throws(MPIError) -> MPIStatus {
    let call = "MPI_Probe"
    let (from, tag) = try selector(call, source, tag)
    var status = lockstep_mpi_status()
    try check(call, lockstep_mpi_probe(from, tag, handle, &status))
    return try MPIStatus(status)
  }

  /// Whether a message can be received now: its status, or nil.
  public func probeNow(from source: Int?, tag: Int? = 0) throws(MPIError) -> MPIStatus? {
    let call = "MPI_Iprobe"
    let (from, tag) = try selector(call, source, tag)
    var status = lockstep_mpi_status()
    var flag: Int32 = 0
    try check(call, lockstep_mpi_iprobe(from, tag, handle, &flag, &status))
    return flag == 0 ? nil : try MPIStatus(status)
  }

  /// The source and tag of a receive, nil meaning any.
  func selector(_ call: String, _ source: Int?, _ tag: Int?) throws(MPIError) -> (Int32, Int32) {
    try requireUsable(call)
    var from = lockstep_mpi_any_source()
    if let source { from = try requireRank(call, "source", source) }
    var tag32 = lockstep_mpi_any_tag()
    if let tag { tag32 = try requireTag(call, tag) }
    return (from, tag32)
  }
}

// Arrays, spans and single values.

extension MPICommunicator {
  /// Sends an array.
  public func send<T: MPIDatatype>(
    _ values: [T], to destination: Int, tag: Int = 0, synchronous: Bool = false
  ) throws(MPIError) {
    try values.withUnsafeBufferPointer { (buffer) throws(MPIError) in
      try send(buffer, to: destination, tag: tag, synchronous: synchronous)
    }
  }

  /// Sends a span.
  public func send<T: MPIDatatype>(
    _ values: Span<T>, to destination: Int, tag: Int = 0, synchronous: Bool = false
  ) throws(MPIError) {
    try values.withUnsafeBufferPointer { (buffer) throws(MPIError) in
      try send(buffer, to: destination, tag: tag, synchronous: synchronous)
    }
  }

  /// Sends one value.
  public func send<T: MPIDatatype>(
    _ value: T, to destination: Int, tag: Int = 0, synchronous: Bool = false
  ) throws(MPIError) {
    try send([value], to: destination, tag: tag, synchronous: synchronous)
  }

  /// Receives into a span.
  @discardableResult
  public func receive<T: MPIDatatype>(
    into values: inout MutableSpan<T>, from source: Int?, tag: Int? = 0
  ) throws(MPIError) -> MPIStatus {
    try values.withUnsafeMutableBufferPointer { (buffer) throws(MPIError) in
      try receive(into: buffer, from: source, tag: tag)
    }
  }

  /// Sends an array and receives a message of whatever length up to `count` values.
  public func sendReceive<T: MPIDatatype>(
    _ values: [T], to destination: Int, tag: Int = 0, count: Int, from source: Int?,
    receiveTag: Int? = 0
  ) throws(MPIError) -> [T] {
    var received = 0
    let result: [T] = try makeArray("MPI_Sendrecv", count) { (buffer) throws(MPIError) in
      // A shorter message leaves the tail unwritten; it is dropped below.
      UnsafeMutableRawBufferPointer(buffer).initializeMemory(as: UInt8.self, repeating: 0)
      let status = try values.withUnsafeBufferPointer { (values) throws(MPIError) in
        try sendReceive(
          values, to: destination, tag: tag, into: buffer, from: source, receiveTag: receiveTag)
      }
      received = status.byteCount / T.mpiLayout.messageBytes
    }
    return received == count ? result : Array(result.prefix(received))
  }
}
