// Collectives that only start: the scope that they are made in waits for them.
// Source: MPI 3.1, section 5.12.

extension MPIRequestScope {
  /// Concatenates equal parts of all ranks on the root, in rank order.
  ///
  /// - Parameter result: read on the root alone, `size` times as long as `values`.
  @discardableResult
  public func gather<T: MPIDatatype>(
    _ values: UnsafeBufferPointer<T>, into result: UnsafeMutableBufferPointer<T>?, root: Int
  ) throws(MPIError) -> MPIRequest {
    try start("MPI_Igather") { (start) throws(MPIError) in
      try communicator.gather(values, into: result, root: root, start)
    }
  }

  /// Concatenates equal parts on the root, whose own part lies at its place already.
  ///
  /// - Parameter values: on the root the whole result, elsewhere this rank's part.
  @discardableResult
  public func gather<T: MPIDatatype>(inPlace values: UnsafeMutableBufferPointer<T>, root: Int)
    throws(MPIError) -> MPIRequest
  {
    try start("MPI_Igather") { (start) throws(MPIError) in
      try communicator.gather(
        communicator.rank == root ? nil : UnsafeBufferPointer(values),
        into: communicator.rank == root ? values : nil,
        root: root, start)
    }
  }

  /// Puts part r of `counts[r]` values at `displacements[r]` of the root's result.
  ///
  /// - Parameters:
  ///   - counts: read on the root alone.
  ///   - displacements: one part behind the other by default; read on the root alone.
  @discardableResult
  public func gather<T: MPIDatatype>(
    _ values: UnsafeBufferPointer<T>, into result: UnsafeMutableBufferPointer<T>?, counts: [Int],
    displacements: [Int]? = nil, root: Int
  ) throws(MPIError) -> MPIRequest {
    try start("MPI_Igatherv") { (start) throws(MPIError) in
      try communicator.gather(
        values, into: result, counts: counts, displacements: displacements, root: root, start)
    }
  }

  /// Puts the other ranks' parts at their places in the root's buffer, where its own part lies.
  @discardableResult
  public func gather<T: MPIDatatype>(
    inPlace values: UnsafeMutableBufferPointer<T>, counts: [Int], displacements: [Int]? = nil,
    root: Int
  ) throws(MPIError) -> MPIRequest {
    try start("MPI_Igatherv") { (start) throws(MPIError) in
      try communicator.gather(
        communicator.rank == root ? nil : UnsafeBufferPointer(values),
        into: communicator.rank == root ? values : nil,
        counts: counts, displacements: displacements, root: root, start)
    }
  }

  /// Cuts the root's values into equal parts and gives rank r part r.
  ///
  /// - Parameter values: read on the root alone, `size` times as long as `result`.
  @discardableResult
  public func scatter<T: MPIDatatype>(
    _ values: UnsafeBufferPointer<T>?, into result: UnsafeMutableBufferPointer<T>, root: Int
  ) throws(MPIError) -> MPIRequest {
    try start("MPI_Iscatter") { (start) throws(MPIError) in
      try communicator.scatter(values, into: result, root: root, start)
    }
  }

  /// Cuts the root's values into equal parts; the root's own part stays where it lies.
  ///
  /// - Parameter values: on the root all values, elsewhere room for this rank's part.
  @discardableResult
  public func scatter<T: MPIDatatype>(inPlace values: UnsafeMutableBufferPointer<T>, root: Int)
    throws(MPIError) -> MPIRequest
  {
    try start("MPI_Iscatter") { (start) throws(MPIError) in
      try communicator.scatter(
        communicator.rank == root ? UnsafeBufferPointer(values) : nil,
        into: communicator.rank == root ? nil : values,
        root: root, start)
    }
  }

  /// Gives rank r the `counts[r]` values at `displacements[r]` of the root's buffer.
  @discardableResult
  public func scatter<T: MPIDatatype>(
    _ values: UnsafeBufferPointer<T>?, counts: [Int], displacements: [Int]? = nil,
    into result: UnsafeMutableBufferPointer<T>, root: Int
  ) throws(MPIError) -> MPIRequest {
    try start("MPI_Iscatterv") { (start) throws(MPIError) in
      try communicator.scatter(
        values, counts: counts, displacements: displacements, into: result, root: root, start)
    }
  }

  /// Gives the other ranks their parts of the root's buffer; the root's own stays where it lies.
  @discardableResult
  public func scatter<T: MPIDatatype>(
    inPlace values: UnsafeMutableBufferPointer<T>, counts: [Int], displacements: [Int]? = nil,
    root: Int
  ) throws(MPIError) -> MPIRequest {
    try start("MPI_Iscatterv") { (start) throws(MPIError) in
      try communicator.scatter(
        communicator.rank == root ? UnsafeBufferPointer(values) : nil, counts: counts,
        displacements: displacements, into: communicator.rank == root ? nil : values, root: root,
        start)
    }
  }

  /// Concatenates equal parts of all ranks on every rank, in rank order.
  @discardableResult
  public func allgather<T: MPIDatatype>(
    _ values: UnsafeBufferPointer<T>, into result: UnsafeMutableBufferPointer<T>
  ) throws(MPIError) -> MPIRequest {
    try start("MPI_Iallgather") { (start) throws(MPIError) in
      try communicator.allgather(values, into: result, start)
    }
  }

  /// Fills every rank's buffer with all parts; this rank's lies at its place already.
  @discardableResult
  public func allgather<T: MPIDatatype>(inPlace values: UnsafeMutableBufferPointer<T>)
    throws(MPIError) -> MPIRequest
  {
    try start("MPI_Iallgather") { (start) throws(MPIError) in
      try communicator.allgather(nil, into: values, start)
    }
  }

  /// Puts part r of `counts[r]` values at `displacements[r]` of every rank's result.
  @discardableResult
  public func allgather<T: MPIDatatype>(
    _ values: UnsafeBufferPointer<T>, into result: UnsafeMutableBufferPointer<T>, counts: [Int],
    displacements: [Int]? = nil
  ) throws(MPIError) -> MPIRequest {
    try start("MPI_Iallgatherv") { (start) throws(MPIError) in
      try communicator.allgather(
        values, into: result, counts: counts, displacements: displacements, start)
    }
  }

  /// Fills every rank's buffer with all parts of `counts[r]` values; this rank's lies there already.
  @discardableResult
  public func allgather<T: MPIDatatype>(
    inPlace values: UnsafeMutableBufferPointer<T>, counts: [Int], displacements: [Int]? = nil
  ) throws(MPIError) -> MPIRequest {
    try start("MPI_Iallgatherv") { (start) throws(MPIError) in
      try communicator.allgather(
        nil, into: values, counts: counts, displacements: displacements, start)
    }
  }

  /// Sends part r of the values to rank r, and receives rank r's part as part r of the result.
  @discardableResult
  public func alltoall<T: MPIDatatype>(
    _ values: UnsafeBufferPointer<T>, into result: UnsafeMutableBufferPointer<T>
  ) throws(MPIError) -> MPIRequest {
    try start("MPI_Ialltoall") { (start) throws(MPIError) in
      try communicator.alltoall(values, into: result, start)
    }
  }

  /// Exchanges part r of the buffer with rank r, in place.
  @discardableResult
  public func alltoall<T: MPIDatatype>(inPlace values: UnsafeMutableBufferPointer<T>)
    throws(MPIError) -> MPIRequest
  {
    try start("MPI_Ialltoall") { (start) throws(MPIError) in
      try communicator.alltoall(nil, into: values, start)
    }
  }

  /// Sends `counts[r]` values to rank r and receives `resultCounts[r]` values from it.
  @discardableResult
  public func alltoall<T: MPIDatatype>(
    _ values: UnsafeBufferPointer<T>, counts: [Int], displacements: [Int]? = nil,
    into result: UnsafeMutableBufferPointer<T>, resultCounts: [Int],
    resultDisplacements: [Int]? = nil
  ) throws(MPIError) -> MPIRequest {
    try start("MPI_Ialltoallv") { (start) throws(MPIError) in
      try communicator.alltoall(
        values, counts: counts, displacements: displacements, into: result,
        resultCounts: resultCounts, resultDisplacements: resultDisplacements, start)
    }
  }

  /// Exchanges `counts[r]` values at `displacements[r]` with rank r, in place.
  ///
  /// Rank r's count for this rank must be this rank's count for rank r.
  @discardableResult
  public func alltoall<T: MPIDatatype>(
    inPlace values: UnsafeMutableBufferPointer<T>, counts: [Int], displacements: [Int]? = nil
  ) throws(MPIError) -> MPIRequest {
    try start("MPI_Ialltoallv") { (start) throws(MPIError) in
      try communicator.alltoall(
        nil, counts: counts, displacements: displacements, into: values, resultCounts: counts,
        resultDisplacements: displacements, start)
    }
  }
}
