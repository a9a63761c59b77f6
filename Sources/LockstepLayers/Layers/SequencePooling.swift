import LockstepCatalog
import LockstepEngine

/// One vector of a whole sequence: [N, T, width] → [N, width].
public struct SequencePooling: StandardLayer {
  /// How the positions become one.
  public enum Kind: String, Sendable, CaseIterable {
    /// Their mean.
    case mean
    /// The last position, which has seen all others where positions see those before them.
    case last
    /// The first position.
    case first
  }

  package let ownIdentity = LayerIdentity()
  /// How the positions become one.
  package let kind: Kind
  /// Makes a layer that takes the mean by default.
  public init(_ kind: Kind = .mean) { self.kind = kind }

  package func layerOutput(_ input: Tensor, _ scope: LayerScope) -> Tensor {
    let shape = input.shape
    guard scope.require(shape.count == 3, "expects an input [N, T, width], got \(shape)") else {
      return input
    }
    guard kind != .mean else { return input.mean([1]) }
    let position = kind == .last ? shape[1] - 1 : 0
    return input.sliced(axis: 1, position..<position + 1).reshaped(to: [shape[0], shape[2]])
  }
}

extension SequencePooling {
  package static let entry = Entry<any Model>(
    "SequencePooling", "one vector of a sequence: [N, T, width] to [N, width]",
    [.with("kind", Kind.mean, "the positions' mean, the last or the first")]
  ) { values in SequencePooling(values["kind"]) }
}

extension SequencePooling.Kind: HyperparameterValue {}
