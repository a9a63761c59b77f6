import LockstepCollective
import LockstepEngine
import LockstepFiles

/// All state of a run, by name: what a checkpoint holds, what ranks compare, what a fingerprint
/// covers.
///
/// Components join with their entries, in an order that is the same on every rank; saving,
/// restoring, hashing and comparing go through the registry and through nothing else. An arena is
/// seen as its slots: entry `parameters`, slot `fc1.weight` is the tensor `parameters/fc1.weight`.
package final class StateRegistry {
  /// One tensor of the state, where it lies.
  package struct Tensor {
    /// The name, unique in the registry.
    package let name: String
    /// The element type.
    package let element: TensorElement
    /// The dimensions.
    package let shape: [Int]
    /// The values in place: all, or those of ``part``.
    package let bytes: UnsafeMutableRawBufferPointer
    /// The indices of the values that this rank holds, where each rank holds its own; nil where all
    /// ranks hold all.
    package var part: Range<Int>?
    /// Whether all ranks see the same bytes, in memory that they share.
    package var isShared = false

    /// The hash of type, shape and bits, of what this rank holds.
    var fingerprint: Fingerprint { Fingerprint(of: UnsafeRawBufferPointer(bytes), element, shape) }

    /// Whether no other rank has a copy of its own.
    var isSingle: Bool { part != nil || isShared }
  }

  /// All tensors, in the order in which they were added.
  package private(set) var tensors: [Tensor] = []

  /// Whether there are tensors that each rank holds a part of.
  package var hasParts: Bool { tensors.contains { $0.part != nil } }

  /// Whether there are tensors without a replica on every rank, which a comparison would not find
  /// changed: parts, and what ranks share.
  package var hasSingles: Bool { tensors.contains(where: \.isSingle) }

  private var names: Set<String> = []
  /// The buffers' owners, which must live as long as the registry.
  private var owners: [AnyObject] = []

  /// Makes an empty registry.
  package init() {}

  /// Adds a component's entries and keeps the component alive.
  ///
  /// - Throws: ``StateError`` where a name is taken.
  package func add(_ entries: [StateEntry], of owner: AnyObject) throws {
    owners.append(owner)
    for entry in entries {
      for tensor in Self.tensors(of: entry) {
        guard names.insert(tensor.name).inserted else {
          throw StateError.duplicateName(tensor.name)
        }
        tensors.append(tensor)
      }
    }
  }

  /// An entry as tensors: an arena's slots without the padding, or all of a plain buffer.
  static func tensors(of entry: StateEntry) -> [Tensor] {
    func plain(_ element: TensorElement, _ values: UnsafeMutableRawBufferPointer) -> Tensor {
      Tensor(
        name: entry.name, element: element, shape: [values.count / element.size], bytes: values)
    }
    switch entry.storage {
    case .arena(let values, let layout):
      return layout.slots.map { slot in
        let held = slot.range.clamped(to: entry.held ?? 0..<layout.count)
        let start = entry.held.map(\.lowerBound) ?? 0
        return Tensor(
          name: "\(entry.name)/\(slot.name)", element: .float32, shape: slot.shape,
          bytes: .init(
            UnsafeMutableBufferPointer(
              rebasing: held.isEmpty
                ? values[..<0] : values[held.lowerBound - start..<held.upperBound - start])),
          part: entry.held.map { _ in
            held.isEmpty ? 0..<0 : held.lowerBound - slot.offset..<held.upperBound - slot.offset
          }, isShared: entry.isShared)
      }
    case .floats(let values): return [plain(.float32, .init(values))]
    case .doubles(let values): return [plain(.float64, .init(values))]
    case .integers(let values): return [plain(.int64, .init(values))]
    }
  }

  // MARK: Hashing and comparing

  /// Each tensor's hash over type, shape and bits, in order; of a part, the hash of what this rank
  /// holds.
  package func fingerprints() -> [(name: String, fingerprint: Fingerprint)] {
    tensors.map { ($0.name, $0.fingerprint) }
  }

  /// The hash of all names, types, shapes and bits, in order, of what this rank holds.
  package func fingerprint() -> Fingerprint { .tree(fingerprints()) }

  /// Compares the state of all ranks. Called by all ranks.
  ///
  /// - Throws: ``StateError/replicasDiffer(tensor:ranks:reference:step:)`` on all ranks, with the
  ///   first tensor that differs and the ranks where it does.
  ///
  /// Parts that one rank alone holds are not compared; `StateSeal` watches over them.
  ///
  /// - Parameter step: the number of steps completed, for the error.
  package func compare(on collective: any Collective, step: Int? = nil) throws {
    if collective.size == 1 { return }
    let replicas = tensors.filter { $0.part == nil }
    let mine = replicas.map(\.fingerprint)
    // One number first: ranks whose lists differ in length must not gather them.
    let totals = try collective.allgather(
      Fingerprint.tree(Array(zip(replicas.map(\.name), mine))).words)
    if Set(totals).count == 1 { return }
    let counts = try collective.allgather(mine.count)
    guard Set(counts).count == 1 else { throw StateError.registriesDiffer(counts: counts) }
    for (tensor, fingerprint) in zip(replicas, mine) {
      let all = try collective.allgather(fingerprint.words)
      // What most ranks hold is taken for right, what the lowest ones hold where there is no most.
      let votes = all.map { words in all.count { $0 == words } }
      let reference = votes.firstIndex(of: votes.max()!)!
      let different = all.indices.filter { all[$0] != all[reference] }
      if !different.isEmpty {
        throw StateError.replicasDiffer(
          tensor: tensor.name, ranks: different, reference: reference, step: step)
      }
    }
    // Equal hashes of all tensors under a different total: names differ.
    throw StateError.registriesDiffer(counts: counts)
  }

  /// Copies rank 0's state to all ranks, but for what each rank holds a part of, or shares. Called
  /// by all ranks.
  package func broadcast(on collective: any Collective) throws {
    for tensor in tensors where !tensor.isSingle && tensor.bytes.count > 0 {
      try collective.broadcast(tensor.bytes, root: 0)
    }
    // What rank 0 wrote to memory that all see is theirs from here on.
    if tensors.contains(where: \.isShared) { try collective.barrier() }
  }
}
