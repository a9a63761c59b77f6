import LockstepEngine

/// A transform that wants gradients at other weights than those that a run holds between steps, evaluates
/// and saves.
package protocol TrainingPointTransform: InspectedTransform {
  /// Replaces weights by those that the next gradient is computed at.
  ///
  /// - Parameters:
  ///   - parameters: the values of a block, as they are between steps.
  ///   - offset: the index of the first one in the arenas.
  ///   - update: the number of the update that the gradient is for, from 1.
  func moveToTrainingPoint(
    _ parameters: UnsafeMutablePointer<Float>, at offset: Int, count: Int, update: Int)
}

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
