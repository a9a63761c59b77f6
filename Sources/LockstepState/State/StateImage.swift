import LockstepEngine
import LockstepFiles

/// What a checkpoint is written from: the hash of every tensor, and its bytes when they are asked
/// for.
package struct StateImage {
  let fingerprints: [(name: String, fingerprint: Fingerprint)]
  let tensors: [TensorSource]
  /// Keeps the memory that the tensors lie in.
  private let owner: StateRegistry

  /// The state of a rank that holds all of it.
  package init(of registry: StateRegistry) {
    precondition(!registry.hasParts, "state in parts must be gathered")
    fingerprints = registry.fingerprints()
    tensors = registry.tensors.map(\.source)
    owner = registry
  }

  init(
    _ fingerprints: [(name: String, fingerprint: Fingerprint)], _ tensors: [TensorSource],
    _ owner: StateRegistry
  ) {
    self.owner = owner
    self.fingerprints = fingerprints
    self.tensors = tensors
  }
}

extension StateRegistry.Tensor {
  /// The tensor as a file writer takes it.
  var source: TensorSource {
    TensorSource(name, element, shape: shape, bytes: UnsafeRawBufferPointer(bytes))
  }

  /// The bytes of all ranks' parts together.
  var wholeByteCount: Int { shape.reduce(element.size, *) }
}
