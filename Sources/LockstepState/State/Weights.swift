import LockstepFold
import LockstepEngine
import LockstepFiles

/// A model's weights under PyTorch's names: what `weights.safetensors` holds, what a fingerprint
/// covers, what another program can read.
///
/// The tensors are the slots of the model's arenas, named by the slot alone (`fc1.weight`), and its
/// plain buffers, named by their entry.
public struct Weights {
  let tensors: [StateRegistry.Tensor]
  private let owner: any GradientSource

  /// The weights of a model.
  package init(of source: any GradientSource) {
    owner = source
    let entries = source.stateEntries.flatMap { entry -> [StateRegistry.Tensor] in
      let prefix: Int
      if case .arena = entry.storage { prefix = entry.name.count + 1 } else { prefix = 0 }
      return StateRegistry.tensors(of: entry).map {
        StateRegistry.Tensor(
          name: String($0.name.dropFirst(prefix)), element: $0.element, shape: $0.shape,
          bytes: $0.bytes)
      }
    }
    // Frozen parameters lie in an arena of their own, and were declared among the others.
    let ranks = Dictionary(
      zip(source.declaredNames, 0...), uniquingKeysWith: { first, _ in first })
    tensors = entries.enumerated().sorted {
      (ranks[$0.element.name] ?? .max, $0.offset) < (ranks[$1.element.name] ?? .max, $1.offset)
    }.map(\.element)
  }

  /// The hash of all names, types, shapes and bits: parameters in declaration order, whether frozen or
  /// not, then running statistics in theirs.
  public func fingerprint() -> Fingerprint { .tree(tensors.map { ($0.name, $0.fingerprint) }) }

  /// Writes a safetensors file, atomically.
  package func write(
    _ path: String, metadata: [String: String] = [:],
    fileSystem: any FileSystem = SystemFileSystem()
  ) throws {
    try SafetensorsWriter.write(
      path,
      tensors.map {
        TensorSource(
          $0.name, $0.element, shape: $0.shape, bytes: UnsafeRawBufferPointer($0.bytes))
      }, metadata: metadata, fileSystem: fileSystem)
  }

  /// Reads the weights from a safetensors file or a checkpoint; Float32 weights may be stored as F64,
  /// F16 or BF16.
  ///
  /// - Throws: `FileError` that lists what is missing, unexpected or of another shape, or that names a
  ///   value that is not finite. No weight has changed then.
  public func read(_ path: String) throws { try read(WeightsFile(path)) }

  /// Reads the weights of an open file.
  ///
  /// - Throws: as ``read(_:)-(String)``.
  package func read(_ weights: WeightsFile) throws {
    try TensorMatch(weights.path, weights.tensors, tensors).check(anyFloat: true)
    let stored = Dictionary(weights.tensors.map { ($0.name, $0.entry) }) { first, _ in first }
    try fill(from: weights, stored)
  }

  /// Reads the tensors that a file has, once all of them are known to be finite.
  func fill(from weights: WeightsFile, _ entries: [String: TensorEntry]) throws(FileError) {
    let file = weights.file
    let found = tensors.compactMap { tensor in entries[tensor.name].map { (tensor, $0) } }
    for (tensor, entry) in found where tensor.element == .float32 {
      guard let (index, value) = try file.firstNotFinite(entry.name) else { continue }
      throw FileError(
        path: file.path, kind: .mismatch,
        reason: "the weight \(entry.name)[\(index)] is \(value): weights must be finite")
    }
    for (tensor, entry) in found {
      if weights.transposed.contains(entry.name) {
        try tensor.readTransposed(entry, from: file)
      } else {
        try tensor.read(entry.name, from: file)
      }
    }
  }
}
