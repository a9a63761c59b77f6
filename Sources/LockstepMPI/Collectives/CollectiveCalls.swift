internal import CMPI

// Barrier, broadcast and reductions, each written once for the blocking and the non-blocking form.
// `nil` for the values to send means in place: they lie in the result's buffer.

extension MPICommunicator {
  func barrier(_ start: OperationStart?) throws(MPIError) {
    let call = start == nil ? "MPI_Barrier" : "MPI_Ibarrier"
    try requireUsable(call)
    try requireAgreement(call)
    guard let start else { return try check(call, lockstep_mpi_barrier(handle)) }
    try check(call, lockstep_mpi_ibarrier(handle, &start.request))
  }

  func broadcast<T: MPIDatatype>(
    _ values: UnsafeMutableBufferPointer<T>, root: Int, _ start: OperationStart?
  ) throws(MPIError) {
    let call = start == nil ? "MPI_Bcast" : "MPI_Ibcast"
    try requireUsable(call)
    try requireAgreement(call, count: values.count, root: root, layout: T.mpiLayout)
    let root = try requireRank(call, "root", root)
    try Transfer.of(values.count, T.self, limit: largestCount, call) { (run) throws(MPIError) in
      guard let start else {
        return try check(
          call, lockstep_mpi_bcast(address(values), run.count, run.type, root, handle))
      }
      try check(
        call,
        lockstep_mpi_ibcast(address(values), run.count, run.type, root, handle, &start.request))
    }
  }

  /// The collectives that combine element by element.
  enum Elementwise {
    case reduce(root: Int)
    case allreduce
    case scan
    case exclusiveScan

    func name(_ isStarted: Bool) -> String {
      switch self {
      case .reduce: isStarted ? "MPI_Ireduce" : "MPI_Reduce"
      case .allreduce: isStarted ? "MPI_Iallreduce" : "MPI_Allreduce"
      case .scan: isStarted ? "MPI_Iscan" : "MPI_Scan"
      case .exclusiveScan: isStarted ? "MPI_Iexscan" : "MPI_Exscan"
      }
    }

    /// Starts the collective; returns MPI's code.
    func start(
      _ send: UnsafeRawPointer, _ receive: UnsafeMutableRawPointer, _ count: Int32,
      _ type: lockstep_mpi_datatype, _ operation: lockstep_mpi_op, _ root: Int32,
      _ handle: lockstep_mpi_comm, _ request: inout lockstep_mpi_request
    ) -> Int32 {
      switch self {
      case .reduce:
        lockstep_mpi_ireduce(send, receive, count, type, operation, root, handle, &request)
      case .allreduce:
        lockstep_mpi_iallreduce(send, receive, count, type, operation, handle, &request)
      case .scan:
        lockstep_mpi_iscan(send, receive, count, type, operation, handle, &request)
      case .exclusiveScan:
        lockstep_mpi_iexscan(send, receive, count, type, operation, handle, &request)
      }
    }

    /// Runs the collective; returns MPI's code.
    func run(
      _ send: UnsafeRawPointer, _ receive: UnsafeMutableRawPointer, _ count: Int32,
      _ type: lockstep_mpi_datatype, _ operation: lockstep_mpi_op, _ root: Int32,
      _ handle: lockstep_mpi_comm
    ) -> Int32 {
      switch self {
      case .reduce: lockstep_mpi_reduce(send, receive, count, type, operation, root, handle)
      case .allreduce: lockstep_mpi_allreduce(send, receive, count, type, operation, handle)
      case .scan: lockstep_mpi_scan(send, receive, count, type, operation, handle)
      case .exclusiveScan: lockstep_mpi_exscan(send, receive, count, type, operation, handle)
      }
    }
  }

  func elementwise<T: MPIDatatype>(
    _ kind: Elementwise, _ values: UnsafeBufferPointer<T>?,
    into result: UnsafeMutableBufferPointer<T>, _ reduction: MPIReduction<T>,
    _ start: OperationStart?
  ) throws(MPIError) {
    let call = kind.name(start != nil)
    try requireUsable(call)
    let count = values?.count ?? result.count
    var root: Int32 = 0
    var writes = true
    if case .reduce(let rank) = kind {
      try requireAgreement(
        call, count: count, root: rank, layout: T.mpiLayout, detail: .operation(reduction.name))
      root = try requireRank(call, "root", rank)
      writes = root == self.rank
    } else {
      try requireAgreement(
        call, count: count, layout: T.mpiLayout, detail: .operation(reduction.name))
    }
    if writes, let values {
      try requireCount(call, "the result", result.count, is: values.count)
      try requireApart(call, values, result)
    }
    let type = try typeHandle(T.self, call)
    let operation = try reduction.handle()

    if let start {
      let count = try requireShort(call, count)
      if let owner = reduction.owner { start.owners.append(owner) }
      let send = values.map { address($0) } ?? UnsafeRawPointer(lockstep_mpi_in_place()!)
      let receive = address(result)
      return try check(
        call,
        kind.start(send, receive, count, type, operation, root, handle, &start.request))
    }

    // Elements are independent of each other, so a long run goes in pieces. An empty one goes too:
    // every rank makes the same calls.
    var offset = 0
    repeat {
      let piece = min(count - offset, largestCount)
      let bytes = offset * MemoryLayout<T>.stride
      let send =
        values.map { address($0) + bytes } ?? UnsafeRawPointer(lockstep_mpi_in_place()!)
      let receive = address(result) + bytes
      try check(
        call, kind.run(send, receive, Int32(piece), type, operation, root, handle))
      offset += piece
    } while offset < count
    withExtendedLifetime(reduction) {}
  }

  func reduceScatterBlock<T: MPIDatatype>(
    _ values: UnsafeBufferPointer<T>?, into result: UnsafeMutableBufferPointer<T>,
    _ reduction: MPIReduction<T>, _ start: OperationStart?
  ) throws(MPIError) {
    let call = start == nil ? "MPI_Reduce_scatter_block" : "MPI_Ireduce_scatter_block"
    try requireUsable(call)
    try requireAgreement(
      call, count: values?.count ?? result.count, layout: T.mpiLayout,
      detail: .operation(reduction.name))
    let part = try requireDivisible(call, "the buffer", values?.count ?? result.count)
    if let values {
      try requireCount(call, "the result", result.count, is: part)
      try requireApart(call, values, result)
    }
    let count = try requireShort(call, part)
    let type = try typeHandle(T.self, call)
    let operation = try reduction.handle()
    let send = values.map { address($0) } ?? UnsafeRawPointer(lockstep_mpi_in_place()!)
    if let start {
      if let owner = reduction.owner { start.owners.append(owner) }
      return try check(
        call,
        lockstep_mpi_ireduce_scatter_block(
          send, address(result), count, type, operation, handle, &start.request))
    }
    try check(
      call,
      lockstep_mpi_reduce_scatter_block(send, address(result), count, type, operation, handle))
    withExtendedLifetime(reduction) {}
  }

  func reduceScatter<T: MPIDatatype>(
    _ values: UnsafeBufferPointer<T>?, counts: [Int], into result: UnsafeMutableBufferPointer<T>,
    _ reduction: MPIReduction<T>, _ start: OperationStart?
  ) throws(MPIError) {
    let call = start == nil ? "MPI_Reduce_scatter" : "MPI_Ireduce_scatter"
    try requireUsable(call)
    let available = values?.count ?? result.count
    try requireAgreement(
      call, count: available, layout: T.mpiLayout, detail: .operation(reduction.name))
    let parts = try parts(
      call, "the buffer", counts: counts, displacements: nil, bufferCount: available,
      disjoint: true)
    try requireCount(call, "the buffer", available, is: parts.total)
    if let values {
      try requireCount(call, "the result", result.count, is: counts[rank])
      try requireApart(call, values, result)
    }
    let type = try typeHandle(T.self, call)
    let operation = try reduction.handle()
    let send = values.map { address($0) } ?? UnsafeRawPointer(lockstep_mpi_in_place()!)
    if let start {
      start.owners.append(parts.counts)
      if let owner = reduction.owner { start.owners.append(owner) }
      return try check(
        call,
        lockstep_mpi_ireduce_scatter(
          send, address(result), parts.counts.values, type, operation, handle, &start.request))
    }
    try check(
      call,
      lockstep_mpi_reduce_scatter(
        send, address(result), parts.counts.values, type, operation, handle))
    withExtendedLifetime((reduction, parts.counts)) {}
  }
}
