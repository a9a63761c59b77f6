// Collectives that only start: the scope that they are made in waits for them.
// Source: MPI 3.1, section 5.12.

extension MPIRequestScope {
  /// Concatenates equal parts of all ranks on the root, in rank order.
  ///
  /// With `counts`: puts part r of `counts[r]` values at `displacements[r]` of the root's result.
  ///
  /// - Parameters:
  ///   - result: read on the root alone, `size` times as long as `values`.
  ///   - counts: read on the root alone.
  ///   - displacements: one part behind the other by default; read on the root alone.
  @discardableResult
  public func gather<T: MPIDatatype>(
    _ values: UnsafeBufferPointer<T>, into result: UnsafeMutableBufferPointer<T>?,
    counts: [Int]? = nil,
    displacements: [Int]? = nil, root: Int
  ) throws(MPIError) -> MPIRequest {
    guard let counts else {
      try requireEqualParts("MPI_Igather", [displacements])
      return try start("MPI_Igather") { (start) throws(MPIError) in
        try communicator.gather(values, into: result, root: root, start)
      }
    }
    return try start("MPI_Igatherv") { (start) throws(MPIError) in
      try communicator.gather(
        values, into: result, counts: counts, displacements: displacements, root: root, start)
    }
  }

  /// Concatenates equal parts on the root, whose own part lies at its place already.
  ///
  /// With `counts`: puts the other ranks' parts at their places in the root's buffer, where its own
  /// part lies.
  ///
  /// - Parameters:
  ///   - values: on the root the whole result, elsewhere this rank's part.
  @discardableResult
  public func gather<T: MPIDatatype>(
    inPlace values: UnsafeMutableBufferPointer<T>, counts: [Int]? = nil,
    displacements: [Int]? = nil,
    root: Int
  ) throws(MPIError) -> MPIRequest {
    guard let counts else {
      try requireEqualParts("MPI_Igather", [displacements])
      return try start("MPI_Igather") { (start) throws(MPIError) in
        try communicator.gather(
          communicator.rank == root ? nil : UnsafeBufferPointer(values),
          into: communicator.rank == root ? values : nil,
          root: root, start)
      }
    }
    return try start("MPI_Igatherv") { (start) throws(MPIError) in
      try communicator.gather(
        communicator.rank == root ? nil : UnsafeBufferPointer(values),
        into: communicator.rank == root ? values : nil,
        counts: counts, displacements: displacements, root: root, start)
    }
  }

  /// Cuts the root's values into equal parts and gives rank r part r.
  ///
  /// With `counts`: gives rank r the `counts[r]` values at `displacements[r]` of the root's buffer.
  ///
  /// - Parameters:
  ///   - values: read on the root alone, `size` times as long as `result`.
  @discardableResult
  public func scatter<T: MPIDatatype>(
    _ values: UnsafeBufferPointer<T>?, counts: [Int]? = nil, displacements: [Int]? = nil,
    into result: UnsafeMutableBufferPointer<T>, root: Int
  ) throws(MPIError) -> MPIRequest {
    guard let counts else {
      try requireEqualParts("MPI_Iscatter", [displacements])
      return try start("MPI_Iscatter") { (start) throws(MPIError) in
        try communicator.scatter(values, into: result, root: root, start)
      }
    }
    return try start("MPI_Iscatterv") { (start) throws(MPIError) in
      try communicator.scatter(
        values, counts: counts, displacements: displacements, into: result, root: root, start)
    }
  }

  /// Cuts the root's values into equal parts; the root's own part stays where it lies.
  ///
  /// With `counts`: gives the other ranks their parts of the root's buffer; the root's own stays
  /// where it lies.
  ///
  /// - Parameters:
  ///   - values: on the root all values, elsewhere room for this rank's part.
  @discardableResult
  public func scatter<T: MPIDatatype>(
    inPlace values: UnsafeMutableBufferPointer<T>, counts: [Int]? = nil,
    displacements: [Int]? = nil,
    root: Int
  ) throws(MPIError) -> MPIRequest {
    guard let counts else {
      try requireEqualParts("MPI_Iscatter", [displacements])
      return try start("MPI_Iscatter") { (start) throws(MPIError) in
        try communicator.scatter(
          communicator.rank == root ? UnsafeBufferPointer(values) : nil,
          into: communicator.rank == root ? nil : values,
          root: root, start)
      }
    }
    return try start("MPI_Iscatterv") { (start) throws(MPIError) in
      try communicator.scatter(
        communicator.rank == root ? UnsafeBufferPointer(values) : nil, counts: counts,
        displacements: displacements, into: communicator.rank == root ? nil : values, root: root,
        start)
    }
  }

  /// Concatenates equal parts of all ranks on every rank, in rank order.
  ///
  /// With `counts`: puts part r of `counts[r]` values at `displacements[r]` of every rank's result.
  @discardableResult
  public func allgather<T: MPIDatatype>(
    _ values: UnsafeBufferPointer<T>, into result: UnsafeMutableBufferPointer<T>,
    counts: [Int]? = nil,
    displacements: [Int]? = nil
  ) throws(MPIError) -> MPIRequest {
    guard let counts else {
      try requireEqualParts("MPI_Iallgather", [displacements])
      return try start("MPI_Iallgather") { (start) throws(MPIError) in
        try communicator.allgather(values, into: result, start)
      }
    }
    return try start("MPI_Iallgatherv") { (start) throws(MPIError) in
      try communicator.allgather(
        values, into: result, counts: counts, displacements: displacements, start)
    }
  }

  /// Fills every rank's buffer with all parts; this rank's lies at its place already.
  ///
  /// With `counts`: fills every rank's buffer with all parts of `counts[r]` values; this rank's
  /// lies there already.
  @discardableResult
  public func allgather<T: MPIDatatype>(
    inPlace values: UnsafeMutableBufferPointer<T>, counts: [Int]? = nil, displacements: [Int]? = nil
  ) throws(MPIError) -> MPIRequest {
    guard let counts else {
      try requireEqualParts("MPI_Iallgather", [displacements])
      return try start("MPI_Iallgather") { (start) throws(MPIError) in
        try communicator.allgather(nil, into: values, start)
      }
    }
    return try start("MPI_Iallgatherv") { (start) throws(MPIError) in
      try communicator.allgather(
        nil, into: values, counts: counts, displacements: displacements, start)
    }
  }

  /// Sends part r of the values to rank r, and receives rank r's part as part r of the result.
  ///
  /// With `counts`: sends `counts[r]` values to rank r and receives `resultCounts[r]` values from
  /// it.
  @discardableResult
  public func alltoall<T: MPIDatatype>(
    _ values: UnsafeBufferPointer<T>, counts: [Int]? = nil, displacements: [Int]? = nil,
    into result: UnsafeMutableBufferPointer<T>, resultCounts: [Int]? = nil,
    resultDisplacements: [Int]? = nil
  ) throws(MPIError) -> MPIRequest {
    guard let counts, let resultCounts else {
      try requireEqualParts(
        "MPI_Ialltoall", [counts, displacements, resultCounts, resultDisplacements])
      return try start("MPI_Ialltoall") { (start) throws(MPIError) in
        try communicator.alltoall(values, into: result, start)
      }
    }
    return try start("MPI_Ialltoallv") { (start) throws(MPIError) in
      try communicator.alltoall(
        values, counts: counts, displacements: displacements, into: result,
        resultCounts: resultCounts, resultDisplacements: resultDisplacements, start)
    }
  }

  /// Exchanges part r of the buffer with rank r, in place.
  ///
  /// With `counts`: exchanges `counts[r]` values at `displacements[r]` with rank r, in place. Rank
  /// r's count for this rank must be this rank's count for rank r.
  @discardableResult
  public func alltoall<T: MPIDatatype>(
    inPlace values: UnsafeMutableBufferPointer<T>, counts: [Int]? = nil, displacements: [Int]? = nil
  ) throws(MPIError) -> MPIRequest {
    guard let counts else {
      try requireEqualParts("MPI_Ialltoall", [displacements])
      return try start("MPI_Ialltoall") { (start) throws(MPIError) in
        try communicator.alltoall(nil, into: values, start)
      }
    }
    return try start("MPI_Ialltoallv") { (start) throws(MPIError) in
      try communicator.alltoall(
        nil, counts: counts, displacements: displacements, into: values, resultCounts: counts,
        resultDisplacements: displacements, start)
    }
  }
}
