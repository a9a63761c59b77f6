import LockstepEngine
import LockstepOptimization

/// Clipping, the optimizer and the constraints, seen from the step.
///
/// An update owns a range of the blocks of its layout: all of them, or those of one rank. It changes
/// these blocks and keeps state for these alone; the bits of a block are the same whoever owns it. The
/// blocks are those of the gradient's layout, in its order, so that the sums of squares of all blocks are
/// the same array on every rank whoever measured which.
///
/// ``UpdateRule`` is one. An update of one's own needs no more than the first five members, where it owns
/// all blocks.
package protocol Update: AnyObject {
  /// Adds the other ranks' rows to a table: `width` values for each block of the layout, block
  /// after block, of which those of the owned blocks are filled in.
  typealias Gather = UpdateRule.Gather

  /// The layout of the trainable parameters that the update was made for.
  var layout: FlatLayout { get }

  /// Everything that a checkpoint must hold (`optimizer.firstMoment`).
  var stateEntries: [StateEntry] { get }

  /// The sum of squares of a block of the normalised gradient, in Double.
  func measure(block: Int, in gradient: UnsafeBufferPointer<Float>) -> Double

  /// Decides the step's scalars: clipping coefficient, learning rate. Called once a step, and only
  /// where all sums are finite.
  ///
  /// - Parameters:
  ///   - step: the number of steps completed before this one.
  ///   - blockSums: what ``measure(block:in:)`` gave for each block, in block order.
  /// - Returns: what is known of the step.
  @discardableResult
  func prepare(step: Int, blockSums: UnsafeBufferPointer<Double>) throws -> UpdateReport

  /// Clips, updates and constrains the owned parameters, block by block, as `prepare(step:blockSums:)`
  /// decided. The gradient is only read. Where ranks own parts all of them call it, and `gather` is called
  /// equally often on each.
  ///
  /// - Parameters:
  ///   - gradient: valid for the owned blocks, and at least as long as the layout.
  ///   - parameters: at least as long as the layout.
  ///   - gather: completes tables over ranks; nil where this one owns all blocks.
  /// - Returns: what was done, the same on all ranks.
  @discardableResult
  func apply(
    gradient: UnsafeBufferPointer<Float>, parameters: UnsafeMutableBufferPointer<Float>,
    gather: Gather?
  ) throws -> UpdateReport

  /// The blocks that this rank owns; all by default.
  var owned: Range<Int> { get }

  /// Whether anything needs tensors whole where ranks own parts; false by default.
  var constrainsGathered: Bool { get }

  /// Constrains what needs tensors whole, on every rank alike, once all parameters are there. Called where
  /// ranks own parts.
  func constrainGathered(parameters: UnsafeMutableBufferPointer<Float>) throws

  /// The norms of each tensor's gradient in the update made last, before and behind clipping; none
  /// where nobody measures them.
  func parameterNorms() -> [ParameterNorms]

  /// Whether a clip has a threshold that somebody chose; true by default.
  var hasFixedClip: Bool { get }

  /// The tensors of which a constraint holds every unit at its bound; none by default.
  func boundTensors(_ parameters: UnsafeBufferPointer<Float>) -> [String]

  /// The floating-point operations that each slot's matrix takes, where the update works on whole matrices;
  /// nil for a tensor that it does not take as one, no entries, as by default, where there are none.
  var matrixOperations: [Double?] { get }

  /// What shares matrices out over ranks; nil where every rank transforms all. A step sets it.
  var matrixExchange: (any MatrixExchange)? { get set }

  /// Whether gradients are wanted at other weights than those between steps; false by default.
  var hasTrainingPoint: Bool { get }

  /// Replaces the owned parameters by those that the next gradient is computed at.
  func moveToTrainingPoint(parameters: UnsafeMutableBufferPointer<Float>)

  /// The norms of each tensor's weights; none where nobody measures them.
  func weightNorms(_ parameters: UnsafeMutableBufferPointer<Float>) -> [WeightNorms]

  /// How many heads of attentions it must be told the largest logits of; 0 by default.
  var headCount: Int { get }

  /// Takes the largest logits of the heads of all attentions in the batch, before
  /// ``prepare(step:blockSums:)``. Called where ``headCount`` is not 0.
  func tell(largestLogits: UnsafeBufferPointer<Double>)

  /// What the learning rate is multiplied by, a part of the state; nil, as by default, for an update that
  /// has none.
  var learningRateFactor: Double? { get set }
}

extension Update {
  package var learningRateFactor: Double? {
    get { nil }
    set {}  // nothing is there to be set
  }
  package var headCount: Int { 0 }
  package func tell(largestLogits: UnsafeBufferPointer<Double>) {}
  package var hasFixedClip: Bool { true }
  package func boundTensors(_ parameters: UnsafeBufferPointer<Float>) -> [String] { [] }
  package var matrixOperations: [Double?] { [] }
  package var matrixExchange: (any MatrixExchange)? {
    get { nil }
    set {}  // nothing is there to be shared
  }
  package var hasTrainingPoint: Bool { false }
  package func moveToTrainingPoint(parameters: UnsafeMutableBufferPointer<Float>) {}
  package var owned: Range<Int> { 0..<layout.blocks().count }
  package var constrainsGathered: Bool { false }
  package func constrainGathered(parameters: UnsafeMutableBufferPointer<Float>) throws {}
  package func parameterNorms() -> [ParameterNorms] { [] }
  package func weightNorms(
    _ parameters: UnsafeMutableBufferPointer<Float>
  ) -> [WeightNorms] { [] }
}
