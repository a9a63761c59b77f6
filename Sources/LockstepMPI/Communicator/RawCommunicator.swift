internal import CMPI

extension MPICommunicator {
  /// Lends the communicator to a library that is written in C or Fortran.
  ///
  /// A C function takes the Fortran number, which every MPI library has, and makes the handle of it; or
  /// it reads the handle, a pointer in Open MPI and an integer in MPICH, at the address:
  ///
  /// ```c
  /// void solve(int fortran) { MPI_Comm comm = MPI_Comm_f2c(fortran); … }
  /// void solve_at(const void *address) { MPI_Comm comm = *(const MPI_Comm *)address; … }
  /// ```
  ///
  /// The library must not free it, and had better duplicate it, so that its messages and the program's do
  /// not mix. Collectives that it makes are the program's to match: ``checksAgreement`` does not see
  /// them.
  ///
  /// - Parameter body: gets the number, and an address that is valid until `body` returns.
  /// - Throws: what `body` throws; ``MPIError`` of kind `state` where the communicator was freed.
  ///   Source: MPI 3.1, section 17.2.4.
  public func withRawCommunicator<Result>(
    _ body: (_ fortran: Int32, _ address: UnsafeRawPointer) throws -> Result
  ) throws -> Result {
    let call = "MPI_Comm_c2f"
    try requireUsable(call)
    defer { withExtendedLifetime(self) {} }
    return try withUnsafeBytes(of: handle) {
      try body(lockstep_mpi_comm_to_fortran(handle), $0.baseAddress!)
    }
  }
}
