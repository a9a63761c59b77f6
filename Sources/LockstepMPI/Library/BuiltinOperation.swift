internal import CMPI

/// MPI's own operations.
enum BuiltinOperation: Sendable, Hashable {
  case sum, product, minimum, maximum
  case logicalAnd, logicalOr, logicalXor
  case bitwiseAnd, bitwiseOr, bitwiseXor
  case minimumLocation, maximumLocation

  var handle: lockstep_mpi_op {
    switch self {
    case .sum: lockstep_mpi_op_sum()
    case .product: lockstep_mpi_op_product()
    case .minimum: lockstep_mpi_op_minimum()
    case .maximum: lockstep_mpi_op_maximum()
    case .logicalAnd: lockstep_mpi_op_logical_and()
    case .logicalOr: lockstep_mpi_op_logical_or()
    case .logicalXor: lockstep_mpi_op_logical_xor()
    case .bitwiseAnd: lockstep_mpi_op_bitwise_and()
    case .bitwiseOr: lockstep_mpi_op_bitwise_or()
    case .bitwiseXor: lockstep_mpi_op_bitwise_xor()
    case .minimumLocation: lockstep_mpi_op_minimum_location()
    case .maximumLocation: lockstep_mpi_op_maximum_location()
    }
  }
}
