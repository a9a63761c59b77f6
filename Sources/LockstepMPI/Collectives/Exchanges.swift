// Collectives on buffers, blocking: all ranks of the communicator call, in the same order.
// Source: MPI 3.1, chapter 5.

extension MPICommunicator {
  /// Concatenates equal parts of all ranks on the root, in rank order.
  ///
  /// - Parameter result: read on the root alone, `size` times as long as `values`.
  public func gather<T: MPIDatatype>(
    _ values: UnsafeBufferPointer<T>, into result: UnsafeMutableBufferPointer<T>?, root: Int
  ) throws(MPIError) {
    try gather(values, into: result, root: root, nil)
  }

  /// Concatenates equal parts on the root, whose own part lies at its place already.
  ///
  /// - Parameter values: on the root the whole result, elsewhere this rank's part.
  public func gather<T: MPIDatatype>(inPlace values: UnsafeMutableBufferPointer<T>, root: Int)
    throws(MPIError)
  {
    try gather(
      rank == root ? nil : UnsafeBufferPointer(values), into: rank == root ? values : nil,
      root: root, nil)
  }

  /// Puts part r of `counts[r]` values at `displacements[r]` of the root's result.
  ///
  /// - Parameters:
  ///   - counts: read on the root alone.
  ///   - displacements: one part behind the other by default; read on the root alone.
  public func gather<T: MPIDatatype>(
    _ values: UnsafeBufferPointer<T>, into result: UnsafeMutableBufferPointer<T>?, counts: [Int],
    displacements: [Int]? = nil, root: Int
  ) throws(MPIError) {
    try gather(
      values, into: result, counts: counts, displacements: displacements, root: root, nil)
  }

  /// Puts the other ranks' parts at their places in the root's buffer, where its own part lies.
  public func gather<T: MPIDatatype>(
    inPlace values: UnsafeMutableBufferPointer<T>, counts: [Int], displacements: [Int]? = nil,
    root: Int
  ) throws(MPIError) {
    try gather(
      rank == root ? nil : UnsafeBufferPointer(values), into: rank == root ? values : nil,
      counts: counts, displacements: displacements, root: root, nil)
  }

  /// Cuts the root's values into equal parts and gives rank r part r.
  ///
  /// - Parameter values: read on the root alone, `size` times as long as `result`.
  public func scatter<T: MPIDatatype>(
    _ values: UnsafeBufferPointer<T>?, into result: UnsafeMutableBufferPointer<T>, root: Int
  ) throws(MPIError) {
    try scatter(values, into: result, root: root, nil)
  }

  /// Cuts the root's values into equal parts; the root's own part stays where it lies.
  ///
  /// - Parameter values: on the root all values, elsewhere room for this rank's part.
  public func scatter<T: MPIDatatype>(inPlace values: UnsafeMutableBufferPointer<T>, root: Int)
    throws(MPIError)
  {
    try scatter(
      rank == root ? UnsafeBufferPointer(values) : nil, into: rank == root ? nil : values,
      root: root, nil)
  }

  /// Gives rank r the `counts[r]` values at `displacements[r]` of the root's buffer.
  public func scatter<T: MPIDatatype>(
    _ values: UnsafeBufferPointer<T>?, counts: [Int], displacements: [Int]? = nil,
    into result: UnsafeMutableBufferPointer<T>, root: Int
  ) throws(MPIError) {
    try scatter(
      values, counts: counts, displacements: displacements, into: result, root: root, nil)
  }

  /// Gives the other ranks their parts of the root's buffer; the root's own stays where it lies.
  public func scatter<T: MPIDatatype>(
    inPlace values: UnsafeMutableBufferPointer<T>, counts: [Int], displacements: [Int]? = nil,
    root: Int
  ) throws(MPIError) {
    try scatter(
      rank == root ? UnsafeBufferPointer(values) : nil, counts: counts,
      displacements: displacements, into: rank == root ? nil : values, root: root, nil)
  }

  /// Concatenates equal parts of all ranks on every rank, in rank order.
  public func allgather<T: MPIDatatype>(
    _ values: UnsafeBufferPointer<T>, into result: UnsafeMutableBufferPointer<T>
  ) throws(MPIError) {
    try allgather(values, into: result, nil)
  }

  /// Fills every rank's buffer with all parts; this rank's lies at its place already.
  public func allgather<T: MPIDatatype>(inPlace values: UnsafeMutableBufferPointer<T>)
    throws(MPIError)
  {
    try allgather(nil, into: values, nil)
  }

  /// Puts part r of `counts[r]` values at `displacements[r]` of every rank's result.
  public func allgather<T: MPIDatatype>(
    _ values: UnsafeBufferPointer<T>, into result: UnsafeMutableBufferPointer<T>, counts: [Int],
    displacements: [Int]? = nil
  ) throws(MPIError) {
    try allgather(
      values, into: result, counts: counts, displacements: displacements, nil)
  }

  /// Fills every rank's buffer with all parts of `counts[r]` values; this rank's lies there already.
  public func allgather<T: MPIDatatype>(
    inPlace values: UnsafeMutableBufferPointer<T>, counts: [Int], displacements: [Int]? = nil
  ) throws(MPIError) {
    try allgather(
      nil, into: values, counts: counts, displacements: displacements, nil)
  }

  /// Sends part r of the values to rank r, and receives rank r's part as part r of the result.
  public func alltoall<T: MPIDatatype>(
    _ values: UnsafeBufferPointer<T>, into result: UnsafeMutableBufferPointer<T>
  ) throws(MPIError) {
    try alltoall(values, into: result, nil)
  }

  /// Exchanges part r of the buffer with rank r, in place.
  public func alltoall<T: MPIDatatype>(inPlace values: UnsafeMutableBufferPointer<T>)
    throws(MPIError)
  {
    try alltoall(nil, into: values, nil)
  }

  /// Sends `counts[r]` values to rank r and receives `resultCounts[r]` values from it.
  public func alltoall<T: MPIDatatype>(
    _ values: UnsafeBufferPointer<T>, counts: [Int], displacements: [Int]? = nil,
    into result: UnsafeMutableBufferPointer<T>, resultCounts: [Int],
    resultDisplacements: [Int]? = nil
  ) throws(MPIError) {
    try alltoall(
      values, counts: counts, displacements: displacements, into: result,
      resultCounts: resultCounts, resultDisplacements: resultDisplacements, nil)
  }

  /// Exchanges `counts[r]` values at `displacements[r]` with rank r, in place.
  ///
  /// Rank r's count for this rank must be this rank's count for rank r.
  public func alltoall<T: MPIDatatype>(
    inPlace values: UnsafeMutableBufferPointer<T>, counts: [Int], displacements: [Int]? = nil
  ) throws(MPIError) {
    try alltoall(
      nil, counts: counts, displacements: displacements, into: values, resultCounts: counts,
      resultDisplacements: displacements, nil)
  }
}
