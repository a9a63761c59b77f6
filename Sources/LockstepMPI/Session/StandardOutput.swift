internal import CMPI
import LockstepPlatform

/// Standard output while MPI starts.
///
/// `MPI_Init` of MPICH takes the buffer of standard output away. `print` then writes a line and its end one
/// after the other, and the launcher puts what another rank prints in between.
struct StandardOutput {
  private let capacityBefore = lockstep_standard_output_capacity()

  /// Lets each line be one write, where the buffer has been taken away since.
  func keepLinesWhole() {
    let capacity = lockstep_standard_output_capacity()
    guard capacity <= 1, capacity != capacityBefore else { return }
    // A pipe takes so much in one piece. The buffer is the process's for good.
    let size = Int(PIPE_BUF)
    let buffer = UnsafeMutablePointer<CChar>.allocate(capacity: size)
    if lockstep_standard_output_by_lines(buffer, size) != 0 { buffer.deallocate() }
  }
}
