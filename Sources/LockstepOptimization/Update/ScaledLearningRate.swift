// What a listener makes of the learning rate.

extension UpdateRule {
  /// What all learning rates are multiplied by, behind schedules and plateaus; 1 at first. It is part of
  /// the state, and the same on all ranks. Nil, and not to be set, where the chain has no learning
  /// rate.
  package var learningRateFactor: Double? {
    get { rateFactor.isUsed ? rateFactor.value : nil }
    set { if rateFactor.isUsed, let newValue { rateFactor.value = newValue } }
  }
}
