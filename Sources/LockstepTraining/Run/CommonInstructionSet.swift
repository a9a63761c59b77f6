import LockstepCollective
internal import CLockstepKernels
import LockstepEngine
import LockstepFiles
import LockstepPlatform

extension InstructionSet {
  /// Makes all ranks use the lowest common instruction set, or the one that is pinned: our own
  /// kernels, and the primitives of oneDNN where ranks differ. Called by all ranks, before a model
  /// is planned.
  ///
  /// Sets below the common one change no bit of our own kernels; oneDNN's primitives may add in
  /// another order on another set, and so must not differ between ranks.
  ///
  /// - Parameters:
  ///   - collective: the ranks.
  ///   - pinned: the set to use; nil for the best that all have.
  /// - Returns: the set in use.
  /// - Throws: ``InstructionSetError`` where a rank's processor lacks the pinned set.
  package static func agree(
    on collective: any Collective, pinned: InstructionSet? = nil
  ) throws -> InstructionSet {
    let sets = try collective.allgather(InstructionSet.detected.rawValue)
    let lowest = InstructionSet(rawValue: sets.min()!) ?? .baseline
    if let pinned, pinned > lowest {
      let rank = sets.firstIndex { $0 < pinned.rawValue }!
      throw InstructionSetError(
        pinned: pinned, rank: rank, found: InstructionSet(rawValue: sets[rank]) ?? .baseline)
    }
    let agreed = pinned ?? lowest
    limit(to: agreed)
    // Processors with one of our sets may have different ones of oneDNN's, which knows more. The
    // library itself cannot be asked: it is settled by the question.
    let libraries = try collective.allgather(libraryChoice.words)
    let bfloat16 = try collective.allgather(UInt32(lockstep_isa_has_bf16())).allSatisfy { $0 != 0 }
    if Set(libraries).count > 1 || sets.contains(where: { $0 > agreed.rawValue }) {
      try ComputeLibrary.cap(agreed, bfloat16: bfloat16)
    }
    return agreed
  }

  /// What oneDNN chooses implementations by: the processor and two variables.
  private static var libraryChoice: Fingerprint {
    let variables = ["ONEDNN_MAX_CPU_ISA", "DNNL_MAX_CPU_ISA"].map { (name: String) in
      getenv(name).map { String(cString: $0) } ?? ""
    }
    return Fingerprint(of: "\(lockstep_isa_features()) \(variables)")
  }
}

/// A processor lacks the instruction set that was asked for.
package struct InstructionSetError: Error, Equatable, CustomStringConvertible {
  /// The set that was asked for.
  package let pinned: InstructionSet
  /// The lowest rank that lacks it.
  package let rank: Int
  /// What that rank's processor has.
  package let found: InstructionSet

  package init(pinned: InstructionSet, rank: Int, found: InstructionSet) {
    self.pinned = pinned
    self.rank = rank
    self.found = found
  }

  package var description: String {
    "the instruction set \(pinned.name) is asked for and the processor of rank \(rank) has "
      + "\(found.name): pin \(found.name), or none"
  }
}
