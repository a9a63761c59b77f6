import LockstepEngine
import LockstepFiles

/// Hashes of what this rank alone holds, or shares with others, taken when an update is done and held
/// against the memory before the next one: a flipped bit has no replica that would show it.
package struct StateSeal {
  private let step: Int
  private let fingerprints: [Fingerprint]

  /// Seals the parts that a rank holds at the end of a step, and what it shares.
  package init(_ registry: StateRegistry, step: Int) {
    self.step = step
    fingerprints = registry.tensors.filter(\.isSingle).map(\.fingerprint)
  }

  /// Throws ``StateError/sealBroken(tensor:rank:step:)`` where the memory has changed.
  package func check(_ registry: StateRegistry, rank: Int) throws {
    let singles = registry.tensors.filter(\.isSingle)
    for (tensor, fingerprint) in zip(singles, fingerprints)
    where tensor.fingerprint != fingerprint {
      throw StateError.sealBroken(
        tensor: tensor.name, rank: tensor.isShared ? nil : rank, step: step)
    }
  }
}
