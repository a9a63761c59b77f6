internal import CMPI

extension MPILayout {
  /// The handle of MPI's type. The library must be ready.
  func handle() throws(MPIError) -> lockstep_mpi_datatype {
    switch kind {
    case .bool: lockstep_mpi_type_bool()
    case .int8: lockstep_mpi_type_int8()
    case .int16: lockstep_mpi_type_int16()
    case .int32: lockstep_mpi_type_int32()
    case .int64: lockstep_mpi_type_int64()
    case .uint8: lockstep_mpi_type_uint8()
    case .uint16: lockstep_mpi_type_uint16()
    case .uint32: lockstep_mpi_type_uint32()
    case .uint64: lockstep_mpi_type_uint64()
    case .float: lockstep_mpi_type_float()
    case .double: lockstep_mpi_type_double()
    case .int16Index: lockstep_mpi_type_int16_index()
    case .int32Index: lockstep_mpi_type_int32_index()
    case .int64Index: lockstep_mpi_type_int64_index()
    case .floatIndex: lockstep_mpi_type_float_index()
    case .doubleIndex: lockstep_mpi_type_double_index()
    case .bfloat16: try MPIRegistry.shared.bfloat16()
    case .bytes(let count): try MPIRegistry.shared.bytes(count)
    case .fields(let fields): try MPIRegistry.shared.fields(fields, of: self)
    case .invalid(let reason): throw argumentError("MPI_Type_create_struct", reason)
    }
  }
}
