/// A penalty on the parameters that is part of the loss, added once to the normalised gradient,
/// before it is measured (Keras's `regularizer`).
package protocol GradientRegularizer: AnyObject {
  /// Adds the penalty's derivative for one block to the gradient and returns the block's penalty.
  func add(
    block: Int, to gradient: UnsafeMutableBufferPointer<Float>,
    parameters: UnsafeBufferPointer<Float>
  ) -> Double
}
