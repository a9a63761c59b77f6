import LockstepLayers

/// Where a loss wants target values to lie.
struct TargetLimit: Sendable {
  let range: ClosedRange<Float>
  /// The same in words.
  let text: String

  /// Nil for a loss that takes any values.
  init?(of loss: any LossFunction) {
    let bounds: String
    switch loss {
    case is BinaryCrossEntropy, is Focal:
      (range, bounds) = (0...1, "from 0 to 1; write classes as 0 and 1")
    case is KLDivergence: (range, bounds) = (0...1, "from 0 to 1: the probabilities of classes")
    case is Poisson: (range, bounds) = (0...(.greatestFiniteMagnitude), "of at least 0: counts")
    default: return nil
    }
    text = "the loss \(loss.name) takes targets \(bounds)"
  }
}
