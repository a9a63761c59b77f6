internal import CLockstepKernels
import Synchronization

/// An instruction set that the vector kernels are compiled for.
///
/// A higher set is faster. All sets give the same bits, but for linear maps in Float32 on processors
/// without fused multiply-adds, which are left to oneDNN. Ranks agree on the lowest common set.
package enum InstructionSet: UInt32, Sendable, Comparable, CaseIterable {
  /// What every processor of the architecture has (SSE2 on x86-64).
  case baseline = 0
  /// AVX2 with FMA and F16C.
  case avx2 = 1
  /// AVX-512 F, BW, DQ and VL.
  case avx512 = 2

  /// The best set that this processor has.
  package static var detected: InstructionSet {
    InstructionSet(rawValue: UInt32(lockstep_isa_detect().rawValue)) ?? .baseline
  }

  /// The set that kernels use where they are not told another: the best of this processor, but none
  /// above the limit that the ranks have agreed on.
  package static var current: InstructionSet {
    min(detected, InstructionSet(rawValue: limit.load(ordering: .relaxed)) ?? .detected)
  }

  /// From now on no kernel is chosen from a set above `set`.
  package static func limit(to set: InstructionSet) {
    limit.store(set.rawValue, ordering: .relaxed)
  }

  private static let limit = Atomic<UInt32>(.max)

  /// Whether products are summed up by fused multiply-adds, as the kernels of linear maps do; without
  /// them oneDNN computes these.
  package var multipliesAndAddsAtOnce: Bool { denseKernels != nil }

  /// The name that configurations use: `baseline`, `avx2`, `avx512`.
  package var name: String { "\(self)" }

  /// The set of a name, nil where there is none.
  package init?(name: String) {
    guard let set = Self.allCases.first(where: { $0.name == name }) else { return nil }
    self = set
  }

  package static func < (left: InstructionSet, right: InstructionSet) -> Bool {
    left.rawValue < right.rawValue
  }

  /// The kernels of linear maps; nil without fused multiply-adds.
  var denseKernels: UnsafePointer<lockstep_dense_kernels>? {
    lockstep_dense_kernels_for(lockstep_isa(rawValue: rawValue))
  }

  /// The kernels of graph operations.
  var kernels: UnsafePointer<lockstep_graph_kernels> {
    lockstep_graph_kernels_for(lockstep_isa(rawValue: rawValue))
  }
}
