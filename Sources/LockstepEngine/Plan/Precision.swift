/// The numbers that a model is computed in. Parameters, gradients, statistics and everything behind
/// a shard's gradient are Float32 in any case.
public enum Precision: String, Sendable, CaseIterable {
  /// All is computed and stored in Float32.
  case float32
  /// Linear maps, convolutions, matrix products and their gradients multiply bfloat16 numbers (8
  /// bits of precision) and add the products up in Float32; what lies between them is stored as
  /// bfloat16. Losses, softmax and what they read are Float32. See `PrecisionPlan`.
  case bfloat16

  /// What multiplications take.
  var storage: StorageType { self == .float32 ? .float32 : .bfloat16 }

  /// Checks that this process's processor can compute in this precision.
  ///
  /// - Throws: ``PrecisionError``.
  package func check() throws(PrecisionError) {
    if self == .bfloat16, !ComputeLibrary.hasBFloat16 { throw PrecisionError() }
  }
}

/// The processor, or the instruction set that is pinned or common to all ranks, has no products of
/// bfloat16 numbers.
package struct PrecisionError: Error, Equatable, CustomStringConvertible {
  /// The instruction set in use.
  package let instructionSet: InstructionSet

  init() { instructionSet = .current }

  package var description: String {
    "\"precision\": \"bfloat16\" needs AVX-512 BF16 on all ranks (AMD Zen 4, Intel Cooper Lake or "
      + "Sapphire Rapids, and later), and "
      + (instructionSet == .detected
        ? "a processor of this job lacks it, or ONEDNN_MAX_CPU_ISA rules it out"
        : "\(instructionSet.name) is the common instruction set, or the one that is pinned")
      + ": set \"precision\": \"float32\". Emulated bfloat16 would be slower than Float32 and round "
      + "otherwise than the processor does"
  }
}
