internal import CMPI

/// A run of values as MPI takes it: a type and a count that fits C's `int`.
///
/// MPI 3.1 counts in `int`. A longer run becomes one value of a type made for it, n = q·limit + r
/// values as q runs of `limit` followed by r values, so that it is still one message (or one part
/// of a collective) and the other side may count it differently.
struct Transfer {
  let type: lockstep_mpi_datatype
  let count: Int32
  private let isMade: Bool

  /// Calls `body` with the transfer of `count` values.
  ///
  /// A made type is freed on return; MPI keeps it alive until pending operations have finished.
  static func of<T: MPIDatatype, Result>(
    _ count: Int, _: T.Type, limit: Int, _ call: String,
    _ body: (Transfer) throws(MPIError) -> Result
  ) throws(MPIError) -> Result {
    let base = try typeHandle(T.self, call)
    if count <= limit {
      return try body(Transfer(type: base, count: Int32(count), isMade: false))
    }
    var made = try long(count, base, stride: MemoryLayout<T>.stride, limit: limit, call)
    do {
      let result = try body(Transfer(type: made, count: 1, isMade: true))
      try check("MPI_Type_free", lockstep_mpi_type_free(&made))
      return result
    } catch {
      _ = lockstep_mpi_type_free(&made)
      throw error
    }
  }

  /// Calls `body` with the transfer of a buffer's values, or of those that are selected.
  static func of<T: MPIDatatype, Result>(
    _ count: Int, selecting selection: MPISelection<T>?, limit: Int, _ call: String,
    _ body: (Transfer) throws(MPIError) -> Result
  ) throws(MPIError) -> Result {
    guard let selection else { return try of(count, T.self, limit: limit, call, body) }
    try selection.requireFits(call, count)
    defer { withExtendedLifetime(selection) {} }
    return try body(Transfer(type: selection.handle, count: 1, isMade: false))
  }

  private static func long(
    _ count: Int, _ base: lockstep_mpi_datatype, stride: Int, limit: Int, _ call: String
  ) throws(MPIError) -> lockstep_mpi_datatype {
    let (runs, rest) = count.quotientAndRemainder(dividingBy: limit)
    guard runs <= limit else {
      throw argumentError(call, "\(count) values are more than \(limit)², the most one call takes")
    }
    var pieces: [lockstep_mpi_datatype] = []
    defer {
      for var piece in pieces { _ = lockstep_mpi_type_free(&piece) }
    }
    func contiguous(_ n: Int, _ of: lockstep_mpi_datatype) throws(MPIError)
      -> lockstep_mpi_datatype
    {
      var result = of
      try check("MPI_Type_contiguous", lockstep_mpi_type_contiguous(Int32(n), of, &result))
      pieces.append(result)
      return result
    }
    let whole = try contiguous(runs, contiguous(limit, base))
    var result = whole
    if rest == 0 {
      try check("MPI_Type_contiguous", lockstep_mpi_type_contiguous(1, whole, &result))
    } else {
      let tail = try contiguous(rest, base)
      try check(
        "MPI_Type_create_struct",
        lockstep_mpi_type_pair(whole, tail, Int64(runs * limit * stride), &result))
    }
    try check("MPI_Type_commit", lockstep_mpi_type_commit(&result))
    return result
  }
}

/// The address of a run's first value.
///
/// An empty run may have none; MPI gets an address that it never follows, a different one for
/// reading and for writing since it refuses equal ones.
func address<T>(_ values: UnsafeBufferPointer<T>) -> UnsafeRawPointer {
  guard let base = values.baseAddress, !values.isEmpty else {
    return UnsafeRawPointer(bitPattern: 64)!
  }
  return UnsafeRawPointer(base)
}

func address<T>(_ values: UnsafeMutableBufferPointer<T>) -> UnsafeMutableRawPointer {
  guard let base = values.baseAddress, !values.isEmpty else {
    return UnsafeMutableRawPointer(bitPattern: 128)!
  }
  return UnsafeMutableRawPointer(base)
}

/// An array of `count` values that `fill` writes.
///
/// - Parameter call: the function that the array is made for.
func makeArray<T: MPIDatatype>(
  _ call: String, _ count: Int, _ fill: (UnsafeMutableBufferPointer<T>) throws(MPIError) -> Void
) throws(MPIError) -> [T] {
  try requireCount(call, count, of: T.self)
  var failure: MPIError?
  let result = [T](unsafeUninitializedCapacity: count) { buffer, initialized in
    do throws(MPIError) {
      try fill(UnsafeMutableBufferPointer(rebasing: buffer[..<count]))
      initialized = count
    } catch {
      failure = error
      initialized = 0
    }
  }
  if let failure { throw failure }
  return result
}

/// Throws where there can be no buffer of so many values.
func requireCount<T>(_ call: String, _ count: Int, of: T.Type) throws(MPIError) {
  guard count >= 0 else { throw argumentError(call, "the count \(count) is negative") }
  guard !count.multipliedReportingOverflow(by: MemoryLayout<T>.stride).overflow,
    count * MemoryLayout<T>.stride < Int.max / 2
  else {
    throw argumentError(
      call, "\(count) values of \(MemoryLayout<T>.stride) bytes are more than memory can hold")
  }
}

/// The handle of a type's layout, which must describe the values that lie in memory.
func typeHandle<T: MPIDatatype>(
  _: T.Type, _ call: String
) throws(MPIError) -> lockstep_mpi_datatype {
  let layout = T.mpiLayout
  guard layout.memoryBytes == MemoryLayout<T>.stride else {
    throw argumentError(
      call,
      """
      the layout of \(T.self) says \(layout.memoryBytes) bytes a value, and \(T.self) has \
      \(MemoryLayout<T>.stride): use MPILayout.bytes(of: \(T.self).self)
      """)
  }
  return try layout.handle()
}
