import LockstepFold

/// What listeners make of an update's learning rate.
extension Update {
  /// Multiplies the learning rate by what ranks have asked for.
  func scaleLearningRate(by factor: Double?) throws(StepError) {
    guard let factor else { return }
    guard let now = learningRateFactor else { throw StepError.noLearningRate }
    learningRateFactor = now * factor
  }

  /// Runs `body` while the learning rate is multiplied by a factor already, as the next step will find
  /// it.
  func whileLearningRate(isScaledBy factor: Double?, _ body: () throws -> Void) throws {
    guard let factor, let now = learningRateFactor else { return try body() }
    learningRateFactor = now * factor
    defer { learningRateFactor = now }
    try body()
  }
}
