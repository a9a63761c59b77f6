import LockstepEngine

/// A transform that divides by the size of gradients, and by ε where they are smaller.
package protocol NormalizingTransform: GradientTransform {
  /// ε.
  var epsilon: Double { get }
}

extension ScaleByAdam: NormalizingTransform {}
extension ScaleByRAdam: NormalizingTransform {}
extension ScaleByNAdam: NormalizingTransform {}
extension ScaleByAdEMAMix: NormalizingTransform {}
extension ScaleByRMS: NormalizingTransform {}
extension ScaleByAdaGrad: NormalizingTransform {}

extension Chain {
  /// The ε of the first transform that divides by the size of gradients; nil where none does.
  var firstEpsilon: Double? {
    for transform in transforms {
      let base = (transform as? Restricted)?.base ?? transform
      if let normalizing = base as? any NormalizingTransform { return normalizing.epsilon }
    }
    return nil
  }
}
