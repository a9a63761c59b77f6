import LockstepEngine

extension UpdateRule {
  /// Whether gradients are computed at other weights than those between steps.
  package var hasTrainingPoint: Bool { trainingPoint != nil }

  private var trainingPoint: (any TrainingPointTransform)? {
    transforms.lazy.compactMap { $0 as? any TrainingPointTransform }.first
  }

  /// Replaces the owned parameters by those that the next gradient is computed at. The caller keeps what
  /// they were, and puts it back before the update.
  package func moveToTrainingPoint(parameters: UnsafeMutableBufferPointer<Float>) {
    guard let trainingPoint, let base = parameters.baseAddress else { return }
    for block in blocks[owned] {
      trainingPoint.moveToTrainingPoint(
        base + block.offset, at: block.offset, count: block.count, update: updateCount + 1)
    }
  }
}
