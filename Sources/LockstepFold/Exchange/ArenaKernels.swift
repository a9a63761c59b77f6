package import CLockstepKernels
import LockstepEngine

extension InstructionSet {
  /// The kernels over flat arenas.
  package var arenaKernels: UnsafePointer<lockstep_arena_kernels> {
    lockstep_arena_kernels_for(lockstep_isa(rawValue: rawValue))
  }
}
