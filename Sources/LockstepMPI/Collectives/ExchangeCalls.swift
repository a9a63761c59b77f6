internal import CMPI

// Gather, scatter, allgather and alltoall with their v forms, each written once for the blocking
// and the non-blocking form.

extension MPICommunicator {
  /// - Parameters:
  ///   - values: this rank's part; nil on the root means that it lies at its place in the result.
  ///   - result: read on the root alone.
  func gather<T: MPIDatatype>(
    _ values: UnsafeBufferPointer<T>?, into result: UnsafeMutableBufferPointer<T>?, root: Int,
    _ start: OperationStart?
  ) throws(MPIError) {
    let call = start == nil ? "MPI_Gather" : "MPI_Igather"
    try requireUsable(call)
    try requireAgreement(
      call, count: equalCount(values?.count, whole: result?.count), root: root, layout: T.mpiLayout)
    let root32 = try requireRank(call, "root", root)
    var part = values?.count ?? 0
    if rank == root {
      let result = try requireResult(call, result)
      if let values {
        try requireCount(call, "the result", result.count, is: values.count * size)
        try requireApart(call, values, result)
      } else {
        part = try requireDivisible(call, "the buffer", result.count)
      }
    }
    let send = values.map { address($0) } ?? UnsafeRawPointer(lockstep_mpi_in_place()!)
    let receive = result.map { address($0) }
    try Transfer.of(part, T.self, limit: largestCount, call) { (run) throws(MPIError) in
      guard let start else {
        return try check(
          call,
          lockstep_mpi_gather(
            send, run.count, run.type, receive, run.count, run.type, root32, handle))
      }
      try check(
        call,
        lockstep_mpi_igather(
          send, run.count, run.type, receive, run.count, run.type, root32, handle,
          &start.request))
    }
  }

  func gather<T: MPIDatatype>(
    _ values: UnsafeBufferPointer<T>?, into result: UnsafeMutableBufferPointer<T>?,
    counts: [Int], displacements: [Int]?, root: Int, _ start: OperationStart?
  ) throws(MPIError) {
    let call = start == nil ? "MPI_Gatherv" : "MPI_Igatherv"
    try requireUsable(call)
    try requireAgreement(call, root: root, layout: T.mpiLayout)
    let root32 = try requireRank(call, "root", root)
    var parts: Parts?
    if rank == root {
      let result = try requireResult(call, result)
      parts = try self.parts(
        call, "the result", counts: counts, displacements: displacements,
        bufferCount: result.count, disjoint: true)
      if let values {
        try requireCount(call, "the root's part", values.count, is: counts[rank])
        try requireApart(call, values, result)
      }
    }
    let type = try typeHandle(T.self, call)
    let send = values.map { address($0) } ?? UnsafeRawPointer(lockstep_mpi_in_place()!)
    let sendCount = try requireShort(call, values?.count ?? 0)
    let receive = result.map { address($0) }
    if let start {
      if let parts { start.owners += [parts.counts, parts.displacements] }
      return try check(
        call,
        lockstep_mpi_igatherv(
          send, sendCount, type, receive, parts?.counts.values, parts?.displacements.values, type,
          root32, handle, &start.request))
    }
    try check(
      call,
      lockstep_mpi_gatherv(
        send, sendCount, type, receive, parts?.counts.values, parts?.displacements.values, type,
        root32, handle))
    withExtendedLifetime(parts) {}
  }

  /// - Parameter result: this rank's part; nil on the root leaves its part where it lies.
  func scatter<T: MPIDatatype>(
    _ values: UnsafeBufferPointer<T>?, into result: UnsafeMutableBufferPointer<T>?, root: Int,
    _ start: OperationStart?
  ) throws(MPIError) {
    let call = start == nil ? "MPI_Scatter" : "MPI_Iscatter"
    try requireUsable(call)
    try requireAgreement(
      call, count: equalCount(result?.count, whole: values?.count), root: root, layout: T.mpiLayout)
    let root32 = try requireRank(call, "root", root)
    var part = result?.count ?? 0
    if rank == root {
      let values = try requireValues(call, values)
      if let result {
        try requireCount(call, "the buffer", values.count, is: result.count * size)
        try requireApart(call, values, result)
      } else {
        part = try requireDivisible(call, "the buffer", values.count)
      }
    }
    let send = values.map { address($0) }
    let receive = result.map { address($0) } ?? lockstep_mpi_in_place()!
    try Transfer.of(part, T.self, limit: largestCount, call) { (run) throws(MPIError) in
      guard let start else {
        return try check(
          call,
          lockstep_mpi_scatter(
            send, run.count, run.type, receive, run.count, run.type, root32, handle))
      }
      try check(
        call,
        lockstep_mpi_iscatter(
          send, run.count, run.type, receive, run.count, run.type, root32, handle,
          &start.request))
    }
  }

  func scatter<T: MPIDatatype>(
    _ values: UnsafeBufferPointer<T>?, counts: [Int], displacements: [Int]?,
    into result: UnsafeMutableBufferPointer<T>?, root: Int, _ start: OperationStart?
  ) throws(MPIError) {
    let call = start == nil ? "MPI_Scatterv" : "MPI_Iscatterv"
    try requireUsable(call)
    try requireAgreement(call, root: root, layout: T.mpiLayout)
    let root32 = try requireRank(call, "root", root)
    var parts: Parts?
    if rank == root {
      let values = try requireValues(call, values)
      parts = try self.parts(
        call, "the buffer", counts: counts, displacements: displacements,
        bufferCount: values.count, disjoint: false)
      if let result {
        try requireCount(call, "the root's part", result.count, is: counts[rank])
        try requireApart(call, values, result)
      }
    }
    let type = try typeHandle(T.self, call)
    let send = values.map { address($0) }
    let receive = result.map { address($0) } ?? lockstep_mpi_in_place()!
    let receiveCount = try requireShort(call, result?.count ?? 0)
    if let start {
      if let parts { start.owners += [parts.counts, parts.displacements] }
      return try check(
        call,
        lockstep_mpi_iscatterv(
          send, parts?.counts.values, parts?.displacements.values, type, receive, receiveCount,
          type, root32, handle, &start.request))
    }
    try check(
      call,
      lockstep_mpi_scatterv(
        send, parts?.counts.values, parts?.displacements.values, type, receive, receiveCount,
        type, root32, handle))
    withExtendedLifetime(parts) {}
  }

  func allgather<T: MPIDatatype>(
    _ values: UnsafeBufferPointer<T>?, into result: UnsafeMutableBufferPointer<T>,
    _ start: OperationStart?
  ) throws(MPIError) {
    let call = start == nil ? "MPI_Allgather" : "MPI_Iallgather"
    try requireUsable(call)
    try requireAgreement(call, count: result.count, layout: T.mpiLayout)
    let part = try requireDivisible(call, "the result", result.count)
    if let values {
      try requireCount(call, "the result", result.count, is: values.count * size)
      try requireApart(call, values, result)
    }
    let send = values.map { address($0) } ?? UnsafeRawPointer(lockstep_mpi_in_place()!)
    try Transfer.of(part, T.self, limit: largestCount, call) { (run) throws(MPIError) in
      guard let start else {
        return try check(
          call,
          lockstep_mpi_allgather(
            send, run.count, run.type, address(result), run.count, run.type, handle))
      }
      try check(
        call,
        lockstep_mpi_iallgather(
          send, run.count, run.type, address(result), run.count, run.type, handle,
          &start.request))
    }
  }

  func allgather<T: MPIDatatype>(
    _ values: UnsafeBufferPointer<T>?, into result: UnsafeMutableBufferPointer<T>, counts: [Int],
    displacements: [Int]?, _ start: OperationStart?
  ) throws(MPIError) {
    let call = start == nil ? "MPI_Allgatherv" : "MPI_Iallgatherv"
    try requireUsable(call)
    try requireAgreement(call, count: counts.reduce(0, &+), layout: T.mpiLayout)
    let parts = try parts(
      call, "the result", counts: counts, displacements: displacements, bufferCount: result.count,
      disjoint: true)
    if let values {
      try requireCount(call, "this rank's part", values.count, is: counts[rank])
      try requireApart(call, values, result)
    }
    let type = try typeHandle(T.self, call)
    let send = values.map { address($0) } ?? UnsafeRawPointer(lockstep_mpi_in_place()!)
    let sendCount = try requireShort(call, values?.count ?? 0)
    if let start {
      start.owners += [parts.counts, parts.displacements]
      return try check(
        call,
        lockstep_mpi_iallgatherv(
          send, sendCount, type, address(result), parts.counts.values, parts.displacements.values,
          type, handle, &start.request))
    }
    try check(
      call,
      lockstep_mpi_allgatherv(
        send, sendCount, type, address(result), parts.counts.values, parts.displacements.values,
        type, handle))
    withExtendedLifetime(parts) {}
  }

  func alltoall<T: MPIDatatype>(
    _ values: UnsafeBufferPointer<T>?, into result: UnsafeMutableBufferPointer<T>,
    _ start: OperationStart?
  ) throws(MPIError) {
    let call = start == nil ? "MPI_Alltoall" : "MPI_Ialltoall"
    try requireUsable(call)
    try requireAgreement(call, count: result.count, layout: T.mpiLayout)
    let part = try requireDivisible(call, "the result", result.count)
    if let values {
      try requireCount(call, "the result", result.count, is: values.count)
      try requireApart(call, values, result)
    }
    let send = values.map { address($0) } ?? UnsafeRawPointer(lockstep_mpi_in_place()!)
    try Transfer.of(part, T.self, limit: largestCount, call) { (run) throws(MPIError) in
      guard let start else {
        return try check(
          call,
          lockstep_mpi_alltoall(
            send, run.count, run.type, address(result), run.count, run.type, handle))
      }
      try check(
        call,
        lockstep_mpi_ialltoall(
          send, run.count, run.type, address(result), run.count, run.type, handle,
          &start.request))
    }
  }

  /// One rank's side of an exchange of parts of different lengths.
  func alltoall<T: MPIDatatype>(
    _ values: UnsafeBufferPointer<T>?, counts: [Int], displacements: [Int]?,
    into result: UnsafeMutableBufferPointer<T>, resultCounts: [Int], resultDisplacements: [Int]?,
    _ start: OperationStart?
  ) throws(MPIError) {
    let call = start == nil ? "MPI_Alltoallv" : "MPI_Ialltoallv"
    try requireUsable(call)
    try requireAgreement(call, layout: T.mpiLayout)
    let receives = try parts(
      call, "the result", counts: resultCounts, displacements: resultDisplacements,
      bufferCount: result.count, disjoint: true)
    var sends = receives
    if let values {
      sends = try parts(
        call, "the buffer", counts: counts, displacements: displacements,
        bufferCount: values.count, disjoint: false)
      try requireApart(call, values, result)
      guard counts[rank] == resultCounts[rank] else {
        throw argumentError(
          call,
          """
          this rank sends itself \(counts[rank]) values and expects \(resultCounts[rank]) from \
          itself
          """)
      }
    }
    let type = try typeHandle(T.self, call)
    let send = values.map { address($0) } ?? UnsafeRawPointer(lockstep_mpi_in_place()!)
    if let start {
      start.owners += [
        sends.counts, sends.displacements, receives.counts, receives.displacements,
      ]
      return try check(
        call,
        lockstep_mpi_ialltoallv(
          send, sends.counts.values, sends.displacements.values, type, address(result),
          receives.counts.values, receives.displacements.values, type, handle, &start.request))
    }
    try check(
      call,
      lockstep_mpi_alltoallv(
        send, sends.counts.values, sends.displacements.values, type, address(result),
        receives.counts.values, receives.displacements.values, type, handle))
    withExtendedLifetime((sends, receives)) {}
  }

  /// The length of one part: this rank's own, or its share of the whole where it lies in there.
  private func equalCount(_ part: Int?, whole: Int?) -> Int { part ?? (whole ?? 0) / size }

  /// The root's result, or an empty buffer on the other ranks.
  func rootResult<T>(_ call: String, _ result: UnsafeMutableBufferPointer<T>?, root: Int)
    throws(MPIError) -> UnsafeMutableBufferPointer<T>
  {
    rank == root
      ? try requireResult(call, result) : UnsafeMutableBufferPointer(start: nil, count: 0)
  }

  private func requireResult<T>(_ call: String, _ result: UnsafeMutableBufferPointer<T>?)
    throws(MPIError) -> UnsafeMutableBufferPointer<T>
  {
    guard let result else { throw argumentError(call, "the root needs a buffer for the result") }
    return result
  }

  private func requireValues<T>(_ call: String, _ values: UnsafeBufferPointer<T>?)
    throws(MPIError) -> UnsafeBufferPointer<T>
  {
    guard let values else { throw argumentError(call, "the root needs values to scatter") }
    return values
  }
}
