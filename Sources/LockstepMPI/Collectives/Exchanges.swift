// Collectives on buffers, blocking: all ranks of the communicator call, in the same order.
// Source: MPI 3.1, chapter 5.

extension MPICommunicator {
  /// Concatenates equal parts of all ranks on the root, in rank order.
  ///
  /// With `counts`: puts part r of `counts[r]` values at `displacements[r]` of the root's result.
  ///
  /// - Parameters:
  ///   - result: read on the root alone, `size` times as long as `values`.
  ///   - counts: read on the root alone.
  ///   - displacements: one part behind the other by default; read on the root alone.
  public func gather<T: MPIDatatype>(
    _ values: UnsafeBufferPointer<T>, into result: UnsafeMutableBufferPointer<T>?,
    counts: [Int]? = nil,
    displacements: [Int]? = nil, root: Int
  ) throws(MPIError) {
    guard let counts else {
      try requireEqualParts("MPI_Gather", [displacements])
      return try gather(values, into: result, root: root, nil)
    }
    try gather(
      values, into: result, counts: counts, displacements: displacements, root: root, nil)
  }

  /// Concatenates equal parts on the root, whose own part lies at its place already.
  ///
  /// With `counts`: puts the other ranks' parts at their places in the root's buffer, where its own
  /// part lies.
  ///
  /// - Parameters:
  ///   - values: on the root the whole result, elsewhere this rank's part.
  public func gather<T: MPIDatatype>(
    inPlace values: UnsafeMutableBufferPointer<T>, counts: [Int]? = nil,
    displacements: [Int]? = nil,
    root: Int
  ) throws(MPIError) {
    guard let counts else {
      try requireEqualParts("MPI_Gather", [displacements])
      return try gather(
        rank == root ? nil : UnsafeBufferPointer(values), into: rank == root ? values : nil,
        root: root, nil)
    }
    try gather(
      rank == root ? nil : UnsafeBufferPointer(values), into: rank == root ? values : nil,
      counts: counts, displacements: displacements, root: root, nil)
  }

  /// Cuts the root's values into equal parts and gives rank r part r.
  ///
  /// With `counts`: gives rank r the `counts[r]` values at `displacements[r]` of the root's buffer.
  ///
  /// - Parameters:
  ///   - values: read on the root alone, `size` times as long as `result`.
  public func scatter<T: MPIDatatype>(
    _ values: UnsafeBufferPointer<T>?, counts: [Int]? = nil, displacements: [Int]? = nil,
    into result: UnsafeMutableBufferPointer<T>, root: Int
  ) throws(MPIError) {
    guard let counts else {
      try requireEqualParts("MPI_Scatter", [displacements])
      return try scatter(values, into: result, root: root, nil)
    }
    try scatter(
      values, counts: counts, displacements: displacements, into: result, root: root, nil)
  }

  /// Cuts the root's values into equal parts; the root's own part stays where it lies.
  ///
  /// With `counts`: gives the other ranks their parts of the root's buffer; the root's own stays
  /// where it lies.
  ///
  /// - Parameters:
  ///   - values: on the root all values, elsewhere room for this rank's part.
  public func scatter<T: MPIDatatype>(
    inPlace values: UnsafeMutableBufferPointer<T>, counts: [Int]? = nil,
    displacements: [Int]? = nil,
    root: Int
  ) throws(MPIError) {
    guard let counts else {
      try requireEqualParts("MPI_Scatter", [displacements])
      return try scatter(
        rank == root ? UnsafeBufferPointer(values) : nil, into: rank == root ? nil : values,
        root: root, nil)
    }
    try scatter(
      rank == root ? UnsafeBufferPointer(values) : nil, counts: counts,
      displacements: displacements, into: rank == root ? nil : values, root: root, nil)
  }

  /// Concatenates equal parts of all ranks on every rank, in rank order.
  ///
  /// With `counts`: puts part r of `counts[r]` values at `displacements[r]` of every rank's result.
  public func allgather<T: MPIDatatype>(
    _ values: UnsafeBufferPointer<T>, into result: UnsafeMutableBufferPointer<T>,
    counts: [Int]? = nil,
    displacements: [Int]? = nil
  ) throws(MPIError) {
    guard let counts else {
      try requireEqualParts("MPI_Allgather", [displacements])
      return try allgather(values, into: result, nil)
    }
    try allgather(
      values, into: result, counts: counts, displacements: displacements, nil)
  }

  /// Fills every rank's buffer with all parts; this rank's lies at its place already.
  ///
  /// With `counts`: fills every rank's buffer with all parts of `counts[r]` values; this rank's
  /// lies there already.
  public func allgather<T: MPIDatatype>(
    inPlace values: UnsafeMutableBufferPointer<T>, counts: [Int]? = nil, displacements: [Int]? = nil
  ) throws(MPIError) {
    guard let counts else {
      try requireEqualParts("MPI_Allgather", [displacements])
      return try allgather(nil, into: values, nil)
    }
    try allgather(
      nil, into: values, counts: counts, displacements: displacements, nil)
  }

  /// Sends part r of the values to rank r, and receives rank r's part as part r of the result.
  ///
  /// With `counts`: sends `counts[r]` values to rank r and receives `resultCounts[r]` values from
  /// it.
  public func alltoall<T: MPIDatatype>(
    _ values: UnsafeBufferPointer<T>, counts: [Int]? = nil, displacements: [Int]? = nil,
    into result: UnsafeMutableBufferPointer<T>, resultCounts: [Int]? = nil,
    resultDisplacements: [Int]? = nil
  ) throws(MPIError) {
    guard let counts, let resultCounts else {
      try requireEqualParts(
        "MPI_Alltoall", [counts, displacements, resultCounts, resultDisplacements])
      return try alltoall(values, into: result, nil)
    }
    try alltoall(
      values, counts: counts, displacements: displacements, into: result,
      resultCounts: resultCounts, resultDisplacements: resultDisplacements, nil)
  }

  /// Exchanges part r of the buffer with rank r, in place.
  ///
  /// With `counts`: exchanges `counts[r]` values at `displacements[r]` with rank r, in place. Rank
  /// r's count for this rank must be this rank's count for rank r.
  public func alltoall<T: MPIDatatype>(
    inPlace values: UnsafeMutableBufferPointer<T>, counts: [Int]? = nil, displacements: [Int]? = nil
  ) throws(MPIError) {
    guard let counts else {
      try requireEqualParts("MPI_Alltoall", [displacements])
      return try alltoall(nil, into: values, nil)
    }
    try alltoall(
      nil, counts: counts, displacements: displacements, into: values, resultCounts: counts,
      resultDisplacements: displacements, nil)
  }
}
