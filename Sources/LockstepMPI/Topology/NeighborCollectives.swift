internal import CMPI

// Collectives in which a rank exchanges with its neighbours on the grid alone. All ranks of the
// grid call. Source: MPI 3.1, section 7.6.

extension MPICartesian {
  /// Sends the same values to every neighbour and receives theirs.
  ///
  /// - Parameters:
  ///   - values: as many on every rank.
  ///   - result: one part for each of ``neighbors``, in their order. The part of a neighbour that does
  ///     not exist stays as it was.
  /// - Throws: ``MPIError`` of kind `argument` where the result is not as long as all parts together.
  public func neighborAllgather<T: MPIDatatype>(
    _ values: UnsafeBufferPointer<T>, into result: UnsafeMutableBufferPointer<T>
  ) throws(MPIError) {
    let call = "MPI_Neighbor_allgather"
    try communicator.requireUsable(call)
    try communicator.requireAgreement(call, count: values.count, layout: T.mpiLayout)
    try communicator.requireCount(
      call, "the result", result.count, is: values.count * neighbors.count)
    try communicator.requireApart(call, values, result)
    try Transfer.of(values.count, T.self, limit: communicator.largestCount, call) {
      (run) throws(MPIError) in
      try check(
        call,
        lockstep_mpi_neighbor_allgather(
          address(values), run.count, run.type, address(result), run.count, run.type,
          communicator.handle))
    }
  }

  /// Sends one part to each neighbour and receives one from each.
  ///
  /// - Parameters:
  ///   - values: one part for each of ``neighbors``, in their order, all equally long on every rank. The
  ///     part of a neighbour that does not exist goes nowhere.
  ///   - result: as `values`. What comes from a neighbour lies in the place of that neighbour.
  /// - Throws: ``MPIError`` of kind `argument` where the lengths differ or do not divide.
  public func neighborAlltoall<T: MPIDatatype>(
    _ values: UnsafeBufferPointer<T>, into result: UnsafeMutableBufferPointer<T>
  ) throws(MPIError) {
    let call = "MPI_Neighbor_alltoall"
    try communicator.requireUsable(call)
    try communicator.requireAgreement(call, count: values.count, layout: T.mpiLayout)
    let parts = max(neighbors.count, 1)
    guard values.count % parts == 0 else {
      throw argumentError(
        call,
        "the buffer holds \(values.count) values, which do not divide among \(parts) neighbors")
    }
    try communicator.requireCount(call, "the result", result.count, is: values.count)
    try communicator.requireApart(call, values, result)
    try Transfer.of(values.count / parts, T.self, limit: communicator.largestCount, call) {
      (run) throws(MPIError) in
      try check(
        call,
        lockstep_mpi_neighbor_alltoall(
          address(values), run.count, run.type, address(result), run.count, run.type,
          communicator.handle))
    }
  }

  /// Sends the same array to every neighbour; the arrays received, whatever their lengths, in the order
  /// of ``neighbors``, and nil for a neighbour that does not exist.
  public func neighborAllgather<T: MPIDatatype>(_ values: [T]) throws(MPIError) -> [[T]?] {
    let counts = try received(
      lengths: [Int](repeating: values.count, count: neighbors.count))
    let call = "MPI_Neighbor_allgatherv"
    let parts = try parts(call, counts)
    let type = try typeHandle(T.self, call)
    let count = try communicator.requireShort(call, values.count)
    let result: [T] = try makeArray(call, parts.total) { (result) throws(MPIError) in
      let code = values.withUnsafeBufferPointer { values in
        lockstep_mpi_neighbor_allgatherv(
          address(values), count, type, address(result), parts.counts.values,
          parts.displacements.values, type, communicator.handle)
      }
      try check(call, code)
    }
    withExtendedLifetime(parts) {}
    return cut(result, counts)
  }

  /// Sends one array to each neighbour; the arrays received, whatever their lengths.
  ///
  /// - Parameter arrays: one for each of ``neighbors``, in their order; that of a neighbour that does not
  ///   exist goes nowhere.
  /// - Returns: the arrays in the order of ``neighbors``, and nil for one that does not exist.
  /// - Throws: ``MPIError`` of kind `argument` where there are not as many arrays as neighbours.
  public func neighborAlltoall<T: MPIDatatype>(_ arrays: [[T]]) throws(MPIError) -> [[T]?] {
    let call = "MPI_Neighbor_alltoallv"
    guard arrays.count == neighbors.count else {
      throw argumentError(
        call, "\(arrays.count) arrays were given for \(neighbors.count) neighbors")
    }
    let counts = try received(lengths: arrays.map(\.count))
    let sends = try parts(call, arrays.map(\.count))
    let receives = try parts(call, counts)
    let type = try typeHandle(T.self, call)
    let result: [T] = try makeArray(call, receives.total) { (result) throws(MPIError) in
      let code = Array(arrays.joined()).withUnsafeBufferPointer { values in
        lockstep_mpi_neighbor_alltoallv(
          address(values), sends.counts.values, sends.displacements.values, type, address(result),
          receives.counts.values, receives.displacements.values, type, communicator.handle)
      }
      try check(call, code)
    }
    withExtendedLifetime((sends, receives)) {}
    return cut(result, counts)
  }

  /// The lengths of what neighbours send, where each is told the length of what this rank sends it; 0
  /// for a neighbour that does not exist.
  private func received(lengths: [Int]) throws(MPIError) -> [Int] {
    var counts = [Int](repeating: 0, count: lengths.count)
    try lengths.withUnsafeBufferPointer { (lengths) throws(MPIError) in
      try counts.withUnsafeMutableBufferPointer { (counts) throws(MPIError) in
        try neighborAlltoall(lengths, into: counts)
      }
    }
    return counts
  }

  /// Parts of these lengths, one behind the other.
  private func parts(_ call: String, _ counts: [Int]) throws(MPIError) -> Parts {
    var starts: [Int32] = []
    var lengths: [Int32] = []
    var total = 0
    for count in counts {
      starts.append(try communicator.requireShort(call, total))
      lengths.append(try communicator.requireShort(call, count))
      total += count
    }
    return Parts(
      counts: CountArray(lengths), displacements: CountArray(starts), total: total, reach: total)
  }

  private func cut<T>(_ values: [T], _ counts: [Int]) -> [[T]?] {
    var start = 0
    return zip(counts, neighbors).map { count, neighbor in
      defer { start += count }
      return neighbor == nil ? nil : Array(values[start..<start + count])
    }
  }
}
