import LockstepEngine

/// A transform that divides by the size of gradients, and by ε where they are smaller.
package protocol NormalizingTransform: GradientTransform {
  /// ε.
  var epsilon: Double { get }
}

extension Chain {
  /// The norm of a layout's gradient below which its root mean square is less than that ε.
  func epsilonNorm(_ layout: FlatLayout) -> Double {
    let count = layout.slots.reduce(0) { $0 + $1.count }
    return (firstEpsilon ?? 0) * Double(count).squareRoot()
  }

  /// The ε of the first transform that divides by the size of gradients; nil where none does.
  var firstEpsilon: Double? {
    for transform in transforms {
      let base = (transform as? Restricted)?.base ?? transform
      if let normalizing = base as? any NormalizingTransform { return normalizing.epsilon }
    }
    return nil
  }
}
