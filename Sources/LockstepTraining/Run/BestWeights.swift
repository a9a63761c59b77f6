import LockstepCollective
import LockstepFold
import LockstepState

/// The weights of a run's best evaluation: those of its checkpoint, or of a copy in memory where no
/// checkpoints are saved.
final class BestWeights {
  private let source: any GradientSource
  private let collective: any Collective
  /// The bytes of each tensor, on the root of a run without a directory.
  private var copy: [[UInt8]]?

  init(of source: any GradientSource, on collective: any Collective) {
    self.source = source
    self.collective = collective
  }

  private func registry() throws -> StateRegistry {
    let registry = StateRegistry()
    try registry.add(source.stateEntries, of: source)
    return registry
  }

  /// Keeps the weights as they are, on the root.
  func keep() throws {
    guard collective.isRoot else { return }
    copy = try registry().tensors.map { Array($0.bytes) }
  }

  /// Gives all ranks the best weights. Called by all ranks.
  ///
  /// - Parameter checkpoint: on the root, the path of the best evaluation's checkpoint; nil where none is
  ///   saved.
  func restore(from checkpoint: () throws -> String?) throws {
    let registry = try registry()
    try collective.onRoot {
      if let path = try checkpoint() {
        try Weights(of: source).read(WeightsFile(path))
      } else if let copy {
        for (tensor, bytes) in zip(registry.tensors, copy) { tensor.bytes.copyBytes(from: bytes) }
      }
    }
    try registry.broadcast(on: collective)
  }
}
