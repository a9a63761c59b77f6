import LockstepFold
import LockstepState

extension Weights {
  /// The weights of a model.
  public init(of source: ModelSource) { self.init(of: source as any GradientSource) }
}
