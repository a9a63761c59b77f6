internal import CMPI

/// What threads of a process may call MPI. Source: MPI 3.1, section 12.4.
public enum MPIThreadLevel: Int, Sendable, Comparable, CaseIterable {
  /// There is one thread only.
  case single
  /// Only the thread that initialised MPI calls it.
  case funneled
  /// Any thread calls, never two at a time.
  case serialized
  /// Any thread calls at any time.
  case multiple

  public static func < (left: Self, right: Self) -> Bool { left.rawValue < right.rawValue }

  var code: Int32 {
    switch self {
    case .single: lockstep_mpi_thread_single()
    case .funneled: lockstep_mpi_thread_funneled()
    case .serialized: lockstep_mpi_thread_serialized()
    case .multiple: lockstep_mpi_thread_multiple()
    }
  }

  init(_ code: Int32) {
    self = Self.allCases.last { $0.code == code } ?? .single
  }
}
