// Collectives that only start: the scope that they are made in waits for them.
// Source: MPI 3.1, section 5.12.

extension MPIRequestScope {
  /// Returns once all ranks have called.
  @discardableResult
  public func barrier() throws(MPIError) -> MPIRequest {
    try start("MPI_Ibarrier") { (start) throws(MPIError) in
      try communicator.barrier(start)
    }
  }

  /// Copies the root's values to all ranks.
  @discardableResult
  public func broadcast<T: MPIDatatype>(_ values: UnsafeMutableBufferPointer<T>, root: Int)
    throws(MPIError) -> MPIRequest
  {
    try start("MPI_Ibcast") { (start) throws(MPIError) in
      try communicator.broadcast(values, root: root, start)
    }
  }

  /// Combines the values of all ranks, element by element, on the root.
  ///
  /// - Parameter result: read on the root alone, as long as `values`.
  @discardableResult
  public func reduce<T: MPIDatatype>(
    _ values: UnsafeBufferPointer<T>, into result: UnsafeMutableBufferPointer<T>?,
    _ reduction: MPIReduction<T>, root: Int
  ) throws(MPIError) -> MPIRequest {
    try start("MPI_Ireduce") { (start) throws(MPIError) in
      try communicator.elementwise(
        .reduce(root: root), values,
        into: try communicator.rootResult("MPI_Ireduce", result, root: root), reduction, start)
    }
  }

  /// Combines the values of all ranks on the root, in its buffer; other ranks' stay as they are.
  @discardableResult
  public func reduce<T: MPIDatatype>(
    inPlace values: UnsafeMutableBufferPointer<T>, _ reduction: MPIReduction<T>, root: Int
  ) throws(MPIError) -> MPIRequest {
    try start("MPI_Ireduce") { (start) throws(MPIError) in
      try communicator.elementwise(
        .reduce(root: root), communicator.rank == root ? nil : UnsafeBufferPointer(values),
        into: values, reduction,
        start)
    }
  }

  /// Combines the values of all ranks, element by element, on every rank.
  @discardableResult
  public func allreduce<T: MPIDatatype>(
    _ values: UnsafeBufferPointer<T>, into result: UnsafeMutableBufferPointer<T>,
    _ reduction: MPIReduction<T>
  ) throws(MPIError) -> MPIRequest {
    try start("MPI_Iallreduce") { (start) throws(MPIError) in
      try communicator.elementwise(.allreduce, values, into: result, reduction, start)
    }
  }

  /// Combines the values of all ranks, element by element, in every rank's buffer.
  @discardableResult
  public func allreduce<T: MPIDatatype>(
    inPlace values: UnsafeMutableBufferPointer<T>, _ reduction: MPIReduction<T>
  ) throws(MPIError) -> MPIRequest {
    try start("MPI_Iallreduce") { (start) throws(MPIError) in
      try communicator.elementwise(.allreduce, nil, into: values, reduction, start)
    }
  }

  /// Combines element by element and gives each rank an equal part: the result of rank r is part r.
  ///
  /// With `counts`: combines element by element and gives rank r the next `counts[r]` values.
  ///
  /// - Parameters:
  ///   - result: `values.count / size` values.
  @discardableResult
  public func reduceScatter<T: MPIDatatype>(
    _ values: UnsafeBufferPointer<T>, counts: [Int]? = nil,
    into result: UnsafeMutableBufferPointer<T>,
    _ reduction: MPIReduction<T>
  ) throws(MPIError) -> MPIRequest {
    guard let counts else {
      return try start("MPI_Ireduce_scatter_block") { (start) throws(MPIError) in
        try communicator.reduceScatterBlock(values, into: result, reduction, start)
      }
    }
    return try start("MPI_Ireduce_scatter") { (start) throws(MPIError) in
      try communicator.reduceScatter(values, counts: counts, into: result, reduction, start)
    }
  }

  /// Combines element by element and leaves each rank its equal part at the front of its buffer.
  ///
  /// The rest of the buffer is undefined afterwards.
  ///
  /// With `counts`: combines element by element and leaves rank r its `counts[r]` values at the
  /// front. The rest of the buffer is undefined afterwards.
  @discardableResult
  public func reduceScatter<T: MPIDatatype>(
    inPlace values: UnsafeMutableBufferPointer<T>, counts: [Int]? = nil,
    _ reduction: MPIReduction<T>
  ) throws(MPIError) -> MPIRequest {
    guard let counts else {
      return try start("MPI_Ireduce_scatter_block") { (start) throws(MPIError) in
        try communicator.reduceScatterBlock(nil, into: values, reduction, start)
      }
    }
    return try start("MPI_Ireduce_scatter") { (start) throws(MPIError) in
      try communicator.reduceScatter(nil, counts: counts, into: values, reduction, start)
    }
  }

  /// Combines the values of the ranks `0...rank`, in that order.
  @discardableResult
  public func scan<T: MPIDatatype>(
    _ values: UnsafeBufferPointer<T>, into result: UnsafeMutableBufferPointer<T>,
    _ reduction: MPIReduction<T>
  ) throws(MPIError) -> MPIRequest {
    try start("MPI_Iscan") { (start) throws(MPIError) in
      try communicator.elementwise(.scan, values, into: result, reduction, start)
    }
  }

  /// Combines the values of the ranks `0...rank` in every rank's buffer.
  @discardableResult
  public func scan<T: MPIDatatype>(
    inPlace values: UnsafeMutableBufferPointer<T>, _ reduction: MPIReduction<T>
  ) throws(MPIError) -> MPIRequest {
    try start("MPI_Iscan") { (start) throws(MPIError) in
      try communicator.elementwise(.scan, nil, into: values, reduction, start)
    }
  }

  /// Combines the values of the ranks `0..<rank`; on rank 0 the result is undefined.
  @discardableResult
  public func exclusiveScan<T: MPIDatatype>(
    _ values: UnsafeBufferPointer<T>, into result: UnsafeMutableBufferPointer<T>,
    _ reduction: MPIReduction<T>
  ) throws(MPIError) -> MPIRequest {
    try start("MPI_Iexscan") { (start) throws(MPIError) in
      try communicator.elementwise(.exclusiveScan, values, into: result, reduction, start)
    }
  }

  /// Combines the values of the ranks `0..<rank` in every rank's buffer; undefined on rank 0.
  @discardableResult
  public func exclusiveScan<T: MPIDatatype>(
    inPlace values: UnsafeMutableBufferPointer<T>, _ reduction: MPIReduction<T>
  ) throws(MPIError) -> MPIRequest {
    try start("MPI_Iexscan") { (start) throws(MPIError) in
      try communicator.elementwise(.exclusiveScan, nil, into: values, reduction, start)
    }
  }
}
