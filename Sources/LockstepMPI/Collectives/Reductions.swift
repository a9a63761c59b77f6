// Collectives on buffers, blocking: all ranks of the communicator call, in the same order.
// Source: MPI 3.1, chapter 5.

extension MPICommunicator {
  /// Returns once all ranks have called.
  public func barrier() throws(MPIError) {
    try barrier(nil)
  }

  /// Copies the root's values to all ranks.
  public func broadcast<T: MPIDatatype>(_ values: UnsafeMutableBufferPointer<T>, root: Int)
    throws(MPIError)
  {
    try broadcast(values, root: root, nil)
  }

  /// Combines the values of all ranks, element by element, on the root.
  ///
  /// - Parameter result: read on the root alone, as long as `values`.
  public func reduce<T: MPIDatatype>(
    _ values: UnsafeBufferPointer<T>, into result: UnsafeMutableBufferPointer<T>?,
    _ reduction: MPIReduction<T>, root: Int
  ) throws(MPIError) {
    try elementwise(
      .reduce(root: root), values, into: try rootResult("MPI_Reduce", result, root: root),
      reduction, nil)
  }

  /// Combines the values of all ranks on the root, in its buffer; other ranks' stay as they are.
  public func reduce<T: MPIDatatype>(
    inPlace values: UnsafeMutableBufferPointer<T>, _ reduction: MPIReduction<T>, root: Int
  ) throws(MPIError) {
    try elementwise(
      .reduce(root: root), rank == root ? nil : UnsafeBufferPointer(values), into: values,
      reduction,
      nil)
  }

  /// Combines the values of all ranks, element by element, on every rank.
  public func allreduce<T: MPIDatatype>(
    _ values: UnsafeBufferPointer<T>, into result: UnsafeMutableBufferPointer<T>,
    _ reduction: MPIReduction<T>
  ) throws(MPIError) {
    try elementwise(.allreduce, values, into: result, reduction, nil)
  }

  /// Combines the values of all ranks, element by element, in every rank's buffer.
  public func allreduce<T: MPIDatatype>(
    inPlace values: UnsafeMutableBufferPointer<T>, _ reduction: MPIReduction<T>
  ) throws(MPIError) {
    try elementwise(.allreduce, nil, into: values, reduction, nil)
  }

  /// Combines element by element and gives each rank an equal part: the result of rank r is part r.
  ///
  /// With `counts`: combines element by element and gives rank r the next `counts[r]` values.
  ///
  /// - Parameters:
  ///   - result: `values.count / size` values.
  public func reduceScatter<T: MPIDatatype>(
    _ values: UnsafeBufferPointer<T>, counts: [Int]? = nil,
    into result: UnsafeMutableBufferPointer<T>,
    _ reduction: MPIReduction<T>
  ) throws(MPIError) {
    guard let counts else {
      return try reduceScatterBlock(values, into: result, reduction, nil)
    }
    try reduceScatter(values, counts: counts, into: result, reduction, nil)
  }

  /// Combines element by element and leaves each rank its equal part at the front of its buffer.
  ///
  /// The rest of the buffer is undefined afterwards.
  ///
  /// With `counts`: combines element by element and leaves rank r its `counts[r]` values at the
  /// front. The rest of the buffer is undefined afterwards.
  public func reduceScatter<T: MPIDatatype>(
    inPlace values: UnsafeMutableBufferPointer<T>, counts: [Int]? = nil,
    _ reduction: MPIReduction<T>
  ) throws(MPIError) {
    guard let counts else {
      return try reduceScatterBlock(nil, into: values, reduction, nil)
    }
    try reduceScatter(nil, counts: counts, into: values, reduction, nil)
  }

  /// Combines the values of the ranks `0...rank`, in that order.
  public func scan<T: MPIDatatype>(
    _ values: UnsafeBufferPointer<T>, into result: UnsafeMutableBufferPointer<T>,
    _ reduction: MPIReduction<T>
  ) throws(MPIError) {
    try elementwise(.scan, values, into: result, reduction, nil)
  }

  /// Combines the values of the ranks `0...rank` in every rank's buffer.
  public func scan<T: MPIDatatype>(
    inPlace values: UnsafeMutableBufferPointer<T>, _ reduction: MPIReduction<T>
  ) throws(MPIError) {
    try elementwise(.scan, nil, into: values, reduction, nil)
  }

  /// Combines the values of the ranks `0..<rank`; on rank 0 the result is undefined.
  public func exclusiveScan<T: MPIDatatype>(
    _ values: UnsafeBufferPointer<T>, into result: UnsafeMutableBufferPointer<T>,
    _ reduction: MPIReduction<T>
  ) throws(MPIError) {
    try elementwise(.exclusiveScan, values, into: result, reduction, nil)
  }

  /// Combines the values of the ranks `0..<rank` in every rank's buffer; undefined on rank 0.
  public func exclusiveScan<T: MPIDatatype>(
    inPlace values: UnsafeMutableBufferPointer<T>, _ reduction: MPIReduction<T>
  ) throws(MPIError) {
    try elementwise(.exclusiveScan, nil, into: values, reduction, nil)
  }
}
