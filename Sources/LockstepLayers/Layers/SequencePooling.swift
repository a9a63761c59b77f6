import LockstepCatalog
import LockstepEngine

/// One vector of a whole sequence: [N, T, width] → [N, width]. Of sequences of different lengths padded
/// positions do not count.
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
    if kind != .first, let lengths = scope.lengths(of: input) {
      return pooled(input, lengths)
    }
    guard kind != .mean else { return input.mean([1]) }
    let position = kind == .last ? shape[1] - 1 : 0
    return input.sliced(axis: 1, position..<position + 1).reshaped(to: [shape[0], shape[2]])
  }

  /// The mean of the positions that count, or the last one of them.
  private func pooled(_ input: Tensor, _ lengths: Tensor) -> Tensor {
    let (n, t) = (input.shape[0], input.shape[1])
    let mask = lengths.sequenceMask(positions: t, kind == .last ? .last : .valid)
    // Padding holds numbers, and 0 times a number is 0.
    let sum = (input * mask.reshaped(to: [n, t, 1])).sum([1])
    return kind == .last ? sum : sum / mask.sum([1]).reshaped(to: [n, 1])
  }
}

extension SequencePooling {
  package static let entry = Entry<any Model>(
    "SequencePooling", "one vector of a sequence: [N, T, width] to [N, width]",
    [.with("kind", Kind.mean, "the positions' mean, the last or the first")]
  ) { values in SequencePooling(values["kind"]) }
}

extension SequencePooling.Kind: HyperparameterValue {}
