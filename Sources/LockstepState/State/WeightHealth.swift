import LockstepCollective
internal import CLockstepKernels
import LockstepEngine
import LockstepFold

extension Weights {
  /// Looks at all values.
  ///
  /// - Parameter step: the number of steps completed, for the error.
  /// - Throws: ``NonFiniteWeightsError`` for the first weight or running statistic that is not finite.
  package func checkFinite(step: Int) throws(NonFiniteWeightsError) {
    for tensor in tensors where tensor.element == .float32 {
      let values = tensor.bytes.bindMemory(to: Float.self)
      guard let base = values.baseAddress else { continue }
      let squares = InstructionSet.current.arenaKernels.pointee.sum_of_squares(base, values.count)
      if squares.isFinite { continue }
      let index = values.firstIndex { !$0.isFinite }!  // else the sum in Double were finite
      throw NonFiniteWeightsError(
        step: step, tensor: tensor.name, index: index, value: Double(values[index]))
    }
  }

  /// Looks at all values of all ranks, and throws on all where one has found something. Called by all ranks.
  package func checkFinite(step: Int, on collective: any Collective) throws {
    var sick: (any Error)?
    do { try checkFinite(step: step) } catch { sick = error }
    try collective.throwOnAll(sick)
  }
}

/// An update left a weight that is not finite: whatever follows is lost, and nothing of it is saved.
package struct NonFiniteWeightsError: Error, Equatable, CustomStringConvertible {
  /// The number of steps completed.
  package let step: Int
  /// The first such tensor.
  package let tensor: String
  /// The index in the tensor.
  package let index: Int
  /// The value: a NaN or an infinity.
  package let value: Double

  package var description: String {
    "step \(step): the weight \(tensor)[\(index)] is \(value), and is not saved: take a smaller "
      + "learning rate, or a clip"
  }
}
