import LockstepCollective
import LockstepEngine
import LockstepFiles

/// All state of a run as one process would hold it, though each rank may hold a part.
///
/// A part's tensor is put together on rank 0, one tensor at a time, and taken apart again, so that
/// no rank ever needs room for more than the largest of them. All ranks make the same calls.
package final class WholeState {
  private let registry: StateRegistry
  private let collective: any Collective
  private let parts: [StateRegistry.Tensor]
  /// The bytes that each rank holds of each part.
  private let counts: [[Int]]
  /// The largest tensor of which there are parts, on rank 0.
  private let whole: UnsafeMutableRawBufferPointer
  /// How many parts rank 0 has put together in this round.
  private var gathered = 0

  package init(_ registry: StateRegistry, on collective: any Collective) throws {
    self.registry = registry
    self.collective = collective
    let parts = registry.tensors.filter { $0.part != nil }
    self.parts = parts
    counts = try parts.map { part in
      let all = try collective.allgather(part.bytes.count)
      guard all.reduce(0, +) == part.wholeByteCount else {
        throw StateError.partsDoNotFit(tensor: part.name)
      }
      return all
    }
    let largest = collective.isRoot ? parts.map(\.wholeByteCount).max() ?? 0 : 0
    whole = .allocate(byteCount: largest, alignment: 64)
  }

  deinit { whole.deallocate() }

  /// Each tensor's hash over type, shape and bits, in order, on all ranks.
  func fingerprints() throws -> [(name: String, fingerprint: Fingerprint)] {
    var next = 0
    return try registry.tensors.map { tensor in
      guard tensor.part != nil else { return (tensor.name, tensor.fingerprint) }
      let bytes = try gather(next)
      next += 1
      var words = Fingerprint(of: bytes, tensor.element, tensor.shape).words
      try withUnsafeMutableBytes(of: &words) { try collective.broadcast($0, root: 0) }
      return (tensor.name, Fingerprint(high: words.x, low: words.y))
    }
  }

  /// Lets rank 0 write the state to a file while the others hand over what they hold.
  ///
  /// - Throws: what `body` throws on rank 0, and ``RootFailure`` on the others.
  package func write(_ body: (StateImage) throws -> Void) throws {
    let fingerprints = try fingerprints()
    gathered = 0
    if !collective.isRoot { try gatherRest() }
    try collective.onRoot {
      var index = 0
      let sources = registry.tensors.map { tensor -> TensorSource in
        guard tensor.part != nil else { return tensor.source }
        let place = index
        index += 1
        return TensorSource(tensor.name, tensor.element, shape: tensor.shape) {
          [unowned self] in
          precondition(gathered == place, "parts are written in their order")
          gathered += 1
          return try gather(place)
        }
      }
      // The others hand over everything, whatever becomes of the file.
      do { try body(StateImage(fingerprints, sources, registry)) } catch {
        try gatherRest()
        throw error
      }
      try gatherRest()
    }
  }

  private func gatherRest() throws {
    while gathered < parts.count {
      gathered += 1
      _ = try gather(gathered - 1)
    }
  }

  /// Puts one tensor together on rank 0; the others return nothing.
  private func gather(_ index: Int) throws -> UnsafeRawBufferPointer {
    let bytes = collective.isRoot ? parts[index].wholeByteCount : 0
    let result = UnsafeMutableRawBufferPointer(rebasing: whole[..<bytes])
    try collective.gather(
      UnsafeRawBufferPointer(parts[index].bytes), counts: counts[index], into: result, root: 0)
    return UnsafeRawBufferPointer(result)
  }

  /// Fills the parts of all ranks from a file that rank 0 reads; nil on rank 0 leaves them alone.
  package func scatter(fromFile path: String?) throws {
    guard !parts.isEmpty else { return }
    guard try collective.fromRoot({ [path == nil ? 0 : 1] }) == [1] else { return }
    var file: SafetensorsFile?
    try collective.onRoot { file = try path.map { path throws(FileError) in try .init(path) } }
    for (part, counts) in zip(parts, counts) {
      let bytes = collective.isRoot ? part.wholeByteCount : 0
      let tensor = UnsafeMutableRawBufferPointer(rebasing: whole[..<bytes])
      try collective.onRoot {
        try file?.read(part.name, into: tensor.bindMemory(to: Float.self))
      }
      try collective.scatter(
        UnsafeRawBufferPointer(tensor), counts: counts, into: part.bytes, root: 0)
    }
  }
}

extension StateRegistry {
  /// Each tensor's hash, in order, whoever holds it. Called by all ranks.
  package func fingerprints(
    on collective: any Collective
  ) throws -> [(name: String, fingerprint: Fingerprint)] {
    try WholeState(self, on: collective).fingerprints()
  }

  /// The hash of all names, types, shapes and bits, in order, whoever holds them. Called by all
  /// ranks.
  package func fingerprint(on collective: any Collective) throws -> Fingerprint {
    try .tree(fingerprints(on: collective))
  }
}
