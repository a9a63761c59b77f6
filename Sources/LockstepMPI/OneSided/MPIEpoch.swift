internal import CMPI

/// A time in which this rank reads and writes other ranks' parts of a window; see
/// ``MPIWindow/withFence(_:)`` and ``MPIWindow/withLock(_:shared:_:)``.
///
/// Everything is checked before MPI sees it: the rank against the lock, the places against that rank's
/// part. After the closure that it is lent to, every use of it throws. Operations of one epoch happen in
/// no order, but for accumulations of one rank on one place, which keep theirs.
///
/// Source: MPI 3.1, section 11.3.
public struct MPIEpoch<T: MPIDatatype> {
  private let access: WindowAccess<T>

  init(_ access: WindowAccess<T>) { self.access = access }

  /// Writes values to a rank's part.
  ///
  /// - Parameters:
  ///   - values: what to write; a copy is kept until the epoch ends.
  ///   - rank: the rank whose part is written.
  ///   - start: the place of the first value.
  /// - Throws: ``MPIError`` of kind `argument` where the places are not in that part, `state` outside the
  ///   epoch or for a rank that is not locked. Source: MPI 3.1, section 11.3.1 (`MPI_Put`).
  public func put(_ values: [T], to rank: Int, at start: Int = 0) throws(MPIError) {
    try put(MPIBuffer(values), to: rank, at: start)
  }

  /// Writes a buffer to a rank's part. It is kept, and must not change, until the epoch ends.
  public func put(_ buffer: MPIBuffer<T>, to rank: Int, at start: Int = 0) throws(MPIError) {
    let call = "MPI_Put"
    try access.require(call, rank, start, buffer.count)
    try access.transfer(call, buffer) { (run) in
      lockstep_mpi_put(
        address(buffer.values), run.count, run.type, Int32(rank), Int64(start), access.window.handle
      )
    }
  }

  /// Reads values of a rank's part into a buffer. They are there when the epoch has ended, or after
  /// ``flush()``.
  ///
  /// - Throws: as ``put(_:to:at:)-([T],_,_)``. Source: MPI 3.1, section 11.3.2 (`MPI_Get`).
  public func get(
    into buffer: MPIBuffer<T>, from rank: Int, at start: Int = 0
  ) throws(MPIError) {
    let call = "MPI_Get"
    try access.require(call, rank, start, buffer.count)
    try access.transfer(call, buffer) { (run) in
      lockstep_mpi_get(
        address(buffer.values), run.count, run.type, Int32(rank), Int64(start), access.window.handle
      )
    }
  }

  /// Values of a rank's part, at once; in the epoch of a lock only.
  ///
  /// - Throws: as ``put(_:to:at:)-([T],_,_)``; ``MPIError`` of kind `state` in the epoch of a fence.
  public func get(_ count: Int, from rank: Int, at start: Int = 0) throws(MPIError) -> [T] {
    let call = "MPI_Get"
    try access.requireLock(call)
    try access.require(call, rank, start, count)
    return try makeArray(call, count) { (result) throws(MPIError) in
      try Transfer.of(count, T.self, limit: access.limit, call) { (run) throws(MPIError) in
        try check(
          call,
          lockstep_mpi_get(
            address(result), run.count, run.type, Int32(rank), Int64(start), access.window.handle))
      }
      try access.flush(rank)
    }
  }

  /// Combines values with those of a rank's part, each one atomically.
  ///
  /// - Parameters:
  ///   - values: what to combine; a copy is kept until the epoch ends.
  ///   - reduction: one of MPI's own on one of MPI's own types.
  /// - Throws: as ``put(_:to:at:)-([T],_,_)``; ``MPIError`` of kind `argument` for another reduction.
  ///   Source: MPI 3.1, section 11.3.4 (`MPI_Accumulate`).
  public func accumulate(
    _ values: [T], _ reduction: MPIReduction<T>, to rank: Int, at start: Int = 0
  ) throws(MPIError) {
    let call = "MPI_Accumulate"
    try access.require(call, rank, start, values.count)
    let operation = try access.operation(call, reduction)
    let count = try access.window.communicator.requireShort(call, values.count)
    let type = try typeHandle(T.self, call)
    let buffer = MPIBuffer(values)
    access.keep(buffer)
    try check(
      call,
      lockstep_mpi_accumulate(
        address(buffer.values), count, type, Int32(rank), Int64(start), operation,
        access.window.handle))
  }

  /// Combines a value with one of a rank's part, and tells what was there before; atomic, in the epoch of
  /// a lock only.
  ///
  /// - Throws: as ``accumulate(_:_:to:at:)``; ``MPIError`` of kind `state` in the epoch of a fence.
  ///   Source: MPI 3.1, section 11.3.4 (`MPI_Fetch_and_op`).
  public func fetchAndAccumulate(
    _ value: T, _ reduction: MPIReduction<T>, on rank: Int, at place: Int = 0
  ) throws(MPIError) -> T {
    let call = "MPI_Fetch_and_op"
    try access.requireLock(call)
    try access.require(call, rank, place, 1)
    let operation = try access.operation(call, reduction)
    let type = try typeHandle(T.self, call)
    // The value and, behind it, the one that was there: both stay until the flush.
    let values = MPIBuffer([value, value])
    access.keep(values)
    let start = address(values.values)
    try check(
      call,
      lockstep_mpi_fetch_and_op(
        start, start + MemoryLayout<T>.stride, type, Int32(rank), Int64(place), operation,
        access.window.handle))
    try access.flush(rank)
    access.release(values)
    return values.values[1]
  }

  /// Puts a value in the place of an expected one, and tells what was there before: the expected one
  /// where it was replaced; atomic, in the epoch of a lock only.
  ///
  /// - Throws: as ``fetchAndAccumulate(_:_:on:at:)``. Source: MPI 3.1, section 11.3.4
  ///   (`MPI_Compare_and_swap`).
  public func compareAndSwap(
    expected: T, with value: T, on rank: Int, at place: Int = 0
  ) throws(MPIError) -> T where T: MPIInteger {
    let call = "MPI_Compare_and_swap"
    try access.requireLock(call)
    try access.require(call, rank, place, 1)
    let type = try typeHandle(T.self, call)
    let values = MPIBuffer([value, expected, expected])
    access.keep(values)
    let start = address(values.values)
    let stride = MemoryLayout<T>.stride
    try check(
      call,
      lockstep_mpi_compare_and_swap(
        start, start + stride, start + 2 * stride, type, Int32(rank), Int64(place),
        access.window.handle))
    try access.flush(rank)
    access.release(values)
    return values.values[2]
  }

  /// Returns when everything that was started in this epoch is done, here and there; in the epoch of a
  /// lock only. Source: MPI 3.1, section 11.5.4 (`MPI_Win_flush_all`).
  public func flush() throws(MPIError) {
    try access.requireLock("MPI_Win_flush")
    try access.flush(nil)
  }
}
