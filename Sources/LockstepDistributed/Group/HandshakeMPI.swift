import LockstepCollective
import LockstepMPI

extension Handshake {
  /// Adds the MPI library's name and version.
  public mutating func addMPI() { add("the MPI library's version", MPILibrary.version) }
}
