internal import CLockstepKernels

/// The floating-point mode of a thread.
package enum FloatingPoint {
  /// Treats denormals as zero, in operands and results, on the calling thread. Returns false where
  /// the processor does not.
  package static func flushDenormals() -> Bool { lockstep_flush_denormals() != 0 }
}
