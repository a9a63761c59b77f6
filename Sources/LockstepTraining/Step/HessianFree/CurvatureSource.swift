import LockstepFold
import LockstepEngine

/// A model that also computes products with the loss's Gauss-Newton matrix, G v = Σ Jᵀ H J v over the
/// examples, seen from the Hessian-free step.
///
/// As with gradients all leaves are sums over examples, and statistics in them are zero. Records get
/// the weights and numbers of examples, whatever is computed: products are divided by the folded weight
/// of the batch that they are of.
package protocol CurvatureSource: GradientSource {
  /// The direction v that products are taken along, in the layout of the trainable parameters.
  var vector: UnsafeMutableBufferPointer<Float> { get }

  /// The numbers that products are computed in. A Hessian-free step takes Float32 alone.
  var precision: Precision { get }

  /// Whether the model has recurrent layers, whose states can be damped.
  var hasRecurrentStates: Bool { get throws }

  /// Computes G ``vector`` for all shards of this rank, one sum a subtree.
  ///
  /// - Parameters:
  ///   - factor: c of c Σ Jₛᵀ Jₛ ``vector``, which is added; Jₛ is the Jacobian of the states of
  ///     recurrent layers at all positions.
  ///   - repeated: whether the parameters are those of the last call with this batch.
  func computeProducts(
    of batch: StepBatch, dampingStates factor: Double,
    into partials: [UnsafeMutableBufferPointer<Float>], records: ShardRecords,
    accumulator: ShardAccumulator, repeated: Bool) throws

  /// Estimates the diagonal of G for all shards of this rank, one sum a subtree: in each shard the
  /// squares of Jᵀ H^½ u with random signs u.
  ///
  /// - Parameter draw: tells one set of signs from another.
  func computeSquaredProbes(
    of batch: StepBatch, draw: Int, into partials: [UnsafeMutableBufferPointer<Float>],
    records: ShardRecords, accumulator: ShardAccumulator) throws

  /// Computes the losses of all shards of this rank, with the dropout masks of the step and the
  /// statistics of the batch, as training does.
  func computeLosses(of batch: StepBatch, records: ShardRecords) throws
}

extension CurvatureSource {
  package var precision: Precision { .float32 }
}
