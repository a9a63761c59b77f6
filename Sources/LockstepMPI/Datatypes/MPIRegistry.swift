internal import CMPI
internal import Synchronization

/// The datatypes and operations that MPI does not have by itself, made once and kept until MPI is
/// finalized.
final class MPIRegistry: Sendable {
  static let shared = MPIRegistry()

  /// A handle of MPI's, which is an address or an integer and free to travel between threads.
  private struct Handle<Value>: @unchecked Sendable {
    // Unchecked: MPI's handles are plain values; the registry's lock orders their making.
    let value: Value
  }
  private struct Contents {
    var types: [Int: Handle<lockstep_mpi_datatype>] = [:]
    var structs: [MPILayout: Handle<lockstep_mpi_datatype>] = [:]
    var bfloat16: Handle<lockstep_mpi_datatype>?
    var bfloat16Operations: [BuiltinOperation: Handle<lockstep_mpi_op>] = [:]
  }
  private let contents = Mutex(Contents())

  /// The type of `count` plain bytes.
  func bytes(_ count: Int) throws(MPIError) -> lockstep_mpi_datatype {
    let size = Int32(exactly: count) ?? 0
    guard size > 0 else {
      throw argumentError("MPI_Type_contiguous", "a value of \(count) bytes cannot be sent")
    }
    return try contents.withLock { (contents) throws(MPIError) in
      if let known = contents.types[count] { return known }
      let made = Handle(value: try Self.contiguous(size, lockstep_mpi_type_byte()))
      contents.types[count] = made
      return made
    }.value
  }

  /// The type of a value of several fields.
  func fields(
    _ fields: [MPILayout.Field], of layout: MPILayout
  ) throws(MPIError) -> lockstep_mpi_datatype {
    if let known = contents.withLock({ $0.structs[layout] }) { return known.value }
    // Before the lock: a field may be such a value too.
    var types: [lockstep_mpi_datatype] = []
    for field in fields { types.append(try field.layout.handle()) }
    let offsets = fields.map { Int64($0.offset) }
    var made = lockstep_mpi_type_byte()
    try check(
      "MPI_Type_create_struct",
      lockstep_mpi_type_fields(
        Int32(fields.count), offsets, types, Int64(layout.memoryBytes), &made))
    try check("MPI_Type_commit", lockstep_mpi_type_commit(&made))
    let handle = Handle(value: made)
    let kept = contents.withLock { contents in
      // Another thread may have been first.
      let known = contents.structs[layout]
      contents.structs[layout] = known ?? handle
      return known
    }
    guard let kept else { return made }
    try check("MPI_Type_free", lockstep_mpi_type_free(&made))
    return kept.value
  }

  /// The type of a bf16 number: sixteen bits that only its own operations understand.
  func bfloat16() throws(MPIError) -> lockstep_mpi_datatype {
    try contents.withLock { (contents) throws(MPIError) in
      if let known = contents.bfloat16 { return known }
      let made = Handle(value: try Self.contiguous(1, lockstep_mpi_type_uint16()))
      contents.bfloat16 = made
      return made
    }.value
  }

  /// The operation on bf16 numbers.
  func bfloat16(_ operation: BuiltinOperation) throws(MPIError) -> lockstep_mpi_op {
    try contents.withLock { (contents) throws(MPIError) in
      if let known = contents.bfloat16Operations[operation] { return known }
      var handle = lockstep_mpi_op_sum()
      let code =
        switch operation {
        case .product: lockstep_mpi_op_create_bf16_product(&handle)
        case .minimum: lockstep_mpi_op_create_bf16_minimum(&handle)
        case .maximum: lockstep_mpi_op_create_bf16_maximum(&handle)
        default: lockstep_mpi_op_create_bf16_sum(&handle)
        }
      try check("MPI_Op_create", code)
      let made = Handle(value: handle)
      contents.bfloat16Operations[operation] = made
      return made
    }.value
  }

  /// Frees everything, before MPI is finalized.
  func releaseAll() throws(MPIError) {
    try contents.withLock { (contents) throws(MPIError) in
      for handle in Array(contents.structs.values) + Array(contents.types.values) {
        var type = handle.value
        try check("MPI_Type_free", lockstep_mpi_type_free(&type))
      }
      if var type = contents.bfloat16?.value {
        try check("MPI_Type_free", lockstep_mpi_type_free(&type))
      }
      for handle in contents.bfloat16Operations.values {
        var operation = handle.value
        try check("MPI_Op_free", lockstep_mpi_op_free(&operation))
      }
      contents = Contents()
    }
  }

  private static func contiguous(_ count: Int32, _ base: lockstep_mpi_datatype)
    throws(MPIError) -> lockstep_mpi_datatype
  {
    var result = base
    try check("MPI_Type_contiguous", lockstep_mpi_type_contiguous(count, base, &result))
    try check("MPI_Type_commit", lockstep_mpi_type_commit(&result))
    return result
  }
}
