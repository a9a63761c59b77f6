import LockstepCatalog
import LockstepEngine

/// Zeros a fraction of the elements in training and scales the others by 1 / (1 − rate); the identity
/// otherwise.
///
/// The mask depends on the run's seed, the step, the example, the element and the layer's dotted
/// name; a layer that is called several times draws another mask each time.
///
/// Source: N. Srivastava et al., "Dropout", JMLR 2014.
public struct Dropout: StandardLayer {
  package let ownIdentity = LayerIdentity()
  /// The probability that an element is zeroed, in 0..<1.
  package let rate: Float

  /// Makes a dropout with a rate, PyTorch's `Dropout`. A rate outside 0..<1 fails the trace.
  public init(_ rate: Float = 0.5) { self.rate = rate }

  package func layerOutput(_ input: Tensor, _ scope: LayerScope) -> Tensor {
    guard scope.require(rate >= 0 && rate < 1, "the rate must be in 0..<1, got \(rate)") else {
      return input
    }
    // The scope of a dropout layer holds nothing but its own earlier masks.
    let earlier = scope.graph.nodes.count { $0.scope == scope.graph.scope }
    let suffix = earlier == 0 ? "dropout" : "dropout.\(earlier)"
    return input.dropout(rate: rate, key: stableHash(scope.dotted(suffix)))
  }
}

extension Dropout {
  package static let entry = Entry<any Model>(
    "Dropout", "zeros a part of the elements in training",
    [.with("rate", .dropoutRate, 0.5, "the probability of a zero")]
  ) { values in Dropout(values["rate"]) }
}

/// A text's 32-bit FNV-1a hash over its UTF-8 bytes: the same in every process and version.
package func stableHash(_ text: String) -> UInt32 {
  text.utf8.reduce(0x811C_9DC5) { ($0 ^ UInt32($1)) &* 0x0100_0193 }
}
