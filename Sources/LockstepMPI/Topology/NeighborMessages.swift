internal import CMPI

// A message along a dimension: to the neighbour behind, from the one before.

extension MPICartesian {
  /// Sends values `distance` places on along a dimension, and receives those that come from as far
  /// before; with no deadlock, as all ranks of the line do so at once.
  ///
  /// - Returns: who sent, and how much; nil where nobody is before this rank, and `result` is as it
  ///   was. Where nobody is behind, nothing is sent.
  /// - Throws: ``MPIError`` of kind `argument` where the buffers overlap or there is no such dimension.
  @discardableResult
  public func sendReceive<T: MPIDatatype>(
    _ values: UnsafeBufferPointer<T>, into result: UnsafeMutableBufferPointer<T>,
    along dimension: Int, by distance: Int = 1
  ) throws(MPIError) -> MPIStatus? {
    let call = "MPI_Sendrecv"
    let (source, destination) = try shift(along: dimension, by: distance)
    try communicator.requireApart(call, values, result)
    let nobody = lockstep_mpi_proc_null()
    let tag: Int32 = 0
    var status = lockstep_mpi_status()
    let limit = communicator.largestCount
    try Transfer.of(values.count, T.self, limit: limit, call) { (out) throws(MPIError) in
      try Transfer.of(result.count, T.self, limit: limit, call) { (back) throws(MPIError) in
        try check(
          call,
          lockstep_mpi_sendrecv(
            address(values), out.count, out.type, destination.map { Int32($0) } ?? nobody, tag,
            address(result), back.count, back.type, source.map { Int32($0) } ?? nobody, tag,
            communicator.handle, &status))
      }
    }
    return source == nil ? nil : try ReceivedType(T.self).status(status, call)
  }

  /// Sends an array `distance` places on along a dimension; the array that comes from as far before,
  /// as long as this one, or nil where nobody is.
  ///
  /// - Throws: ``MPIError`` of kind `argument` where the array that came has another length.
  public func sendReceive<T: MPIDatatype>(
    _ values: [T], along dimension: Int, by distance: Int = 1
  ) throws(MPIError) -> [T]? {
    var received: Int?
    let result: [T] = try makeArray("MPI_Sendrecv", values.count) { (result) throws(MPIError) in
      // A shorter message, or none, leaves values unwritten; they go below.
      UnsafeMutableRawBufferPointer(result).initializeMemory(as: UInt8.self, repeating: 0)
      let status = try values.withUnsafeBufferPointer { (values) throws(MPIError) in
        try sendReceive(values, into: result, along: dimension, by: distance)
      }
      received = status.map { $0.byteCount / T.mpiLayout.messageBytes }
    }
    guard let received else { return nil }
    try communicator.requireCount("MPI_Sendrecv", "the message", received, is: values.count)
    return result
  }
}
