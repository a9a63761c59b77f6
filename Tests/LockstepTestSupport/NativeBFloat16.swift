import LockstepEngine

extension Precision {
  /// What this processor computes in.
  package static var available: [Precision] {
    allCases.filter { $0 == .float32 || ComputeLibrary.hasBFloat16 }
  }

  /// Why tests of bfloat16 are skipped where they are.
  package static let missing = "this processor has no AVX-512 BF16"
}
