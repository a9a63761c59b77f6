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
