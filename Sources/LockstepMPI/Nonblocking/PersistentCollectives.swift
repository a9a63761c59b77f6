internal import CMPI

// Collectives that are described once and started again and again. All ranks of the communicator add
// them in the same order. Source: MPI 4.0, section 6.13.

extension MPIPersistentMessages {
  /// Adds a barrier: a wait for these messages ends once all ranks have started it.
  ///
  /// - Throws: ``MPIError`` of kind `resource` where the library is older than MPI 4
  ///   (``MPILibrary/hasPersistentCollectives``), as the other persistent collectives.
  public func addBarrier() throws(MPIError) {
    let call = "MPI_Barrier_init"
    try requirePersistent(call)
    try communicator.requireAgreement(call)
    try add(call, 0, nil as MPISelection<UInt8>?, self.communicator, with: nil) { (_, request) in
      lockstep_mpi_barrier_init(communicator.handle, &request)
    }
  }

  /// Adds a broadcast of the root's values to all ranks.
  ///
  /// - Parameter owner: what keeps the buffer's memory; it lives as long as this object.
  /// - Throws: as ``addBarrier()``, and ``MPIError`` of kind `argument` for a root that is no rank.
  public func addBroadcast<T: MPIDatatype>(
    _ values: UnsafeMutableBufferPointer<T>, root: Int, owner: AnyObject
  ) throws(MPIError) {
    let call = "MPI_Bcast_init"
    try requirePersistent(call)
    try communicator.requireAgreement(call, count: values.count, root: root, layout: T.mpiLayout)
    let root32 = try communicator.requireRank(call, "root", root)
    try add(call, values.count, nil as MPISelection<T>?, owner, with: nil) { (run, request) in
      lockstep_mpi_bcast_init(
        address(values), run.count, run.type, root32, communicator.handle, &request)
    }
  }

  /// Adds a reduction of the values of all ranks, element by element, on every rank.
  ///
  /// - Parameters:
  ///   - values: what this rank gives; nil means that it lies in the result.
  ///   - owner: what keeps the memory of both buffers; it lives as long as this object.
  /// - Throws: as ``addBarrier()``, and ``MPIError`` of kind `argument` where the buffers differ in
  ///   length, overlap, or are longer than MPI counts.
  public func addAllreduce<T: MPIDatatype>(
    _ values: UnsafeBufferPointer<T>? = nil, into result: UnsafeMutableBufferPointer<T>,
    _ reduction: MPIReduction<T>, owner: AnyObject
  ) throws(MPIError) {
    let call = "MPI_Allreduce_init"
    try requirePersistent(call)
    try communicator.requireAgreement(
      call, count: result.count, layout: T.mpiLayout, detail: .operation(reduction.name))
    if let values {
      try communicator.requireCount(call, "the result", result.count, is: values.count)
      try communicator.requireApart(call, values, result)
    }
    _ = try communicator.requireShort(call, result.count)
    let operation = try reduction.handle()
    let send = values.map { address($0) } ?? UnsafeRawPointer(lockstep_mpi_in_place()!)
    try add(
      call, result.count, nil as MPISelection<T>?, Owners(owner, reduction.owner), with: nil
    ) { (run, request) in
      lockstep_mpi_allreduce_init(
        send, address(result), run.count, run.type, operation, communicator.handle, &request)
    }
  }

  /// Adds a gather of equal parts of all ranks on every rank, in rank order.
  ///
  /// - Parameter owner: what keeps the memory of both buffers; it lives as long as this object.
  /// - Throws: as ``addAllreduce(_:into:_:owner:)``.
  public func addAllgather<T: MPIDatatype>(
    _ values: UnsafeBufferPointer<T>, into result: UnsafeMutableBufferPointer<T>, owner: AnyObject
  ) throws(MPIError) {
    let call = "MPI_Allgather_init"
    try requirePersistent(call)
    try communicator.requireAgreement(call, count: result.count, layout: T.mpiLayout)
    try communicator.requireCount(
      call, "the result", result.count, is: values.count * communicator.size)
    try communicator.requireApart(call, values, result)
    try add(call, values.count, nil as MPISelection<T>?, owner, with: nil) { (run, request) in
      lockstep_mpi_allgather_init(
        address(values), run.count, run.type, address(result), run.count, run.type,
        communicator.handle, &request)
    }
  }

  /// Adds an exchange: part r of the values goes to rank r, and rank r's part becomes part r of the
  /// result.
  ///
  /// - Parameter owner: what keeps the memory of both buffers; it lives as long as this object.
  /// - Throws: as ``addAllreduce(_:into:_:owner:)``, and where the values do not divide among the ranks.
  public func addAlltoall<T: MPIDatatype>(
    _ values: UnsafeBufferPointer<T>, into result: UnsafeMutableBufferPointer<T>, owner: AnyObject
  ) throws(MPIError) {
    let call = "MPI_Alltoall_init"
    try requirePersistent(call)
    try communicator.requireAgreement(call, count: result.count, layout: T.mpiLayout)
    let part = try communicator.requireDivisible(call, "the result", result.count)
    try communicator.requireCount(call, "the result", result.count, is: values.count)
    try communicator.requireApart(call, values, result)
    try add(call, part, nil as MPISelection<T>?, owner, with: nil) { (run, request) in
      lockstep_mpi_alltoall_init(
        address(values), run.count, run.type, address(result), run.count, run.type,
        communicator.handle, &request)
    }
  }

  private func requirePersistent(_ call: String) throws(MPIError) {
    try requireIdle(call)
    guard MPILibrary.hasPersistentCollectives else {
      throw MPIError(
        kind: .resource, call: call,
        message: """
          \(MPILibrary.name) has no persistent collectives, which came with MPI 4: start the collective \
          in a scope of requests each time
          """, rank: WorldRank.known)
    }
  }
}

/// What a reduction needs while it lives: the buffers' memory and the operation.
private final class Owners {
  private let memory: AnyObject
  private let operation: AnyObject?

  init(_ memory: AnyObject, _ operation: AnyObject?) {
    self.memory = memory
    self.operation = operation
  }
}
