import LockstepEngine
import LockstepFold
import LockstepOptimization

/// Clipping, the optimizer and the constraints, seen from the step.
///
/// The blocks are those of the gradient's layout, in its order, so that the sums of squares of all
/// blocks are the same array on every rank whoever measured which.
public protocol ParameterUpdate: AnyObject {
  /// The layout of the trainable parameters that the update was made for.
  var layout: FlatLayout { get }

  /// Everything that a checkpoint must hold (`optimizer.firstMoment`).
  var stateEntries: [StateEntry] { get }

  /// What the learning rate is multiplied by, a part of the state; nil for an update that has none.
  var learningRateFactor: Double? { get set }

  /// The sum of squares of a block of the normalised gradient, in Double.
  func measure(block: Int, in gradient: UnsafeBufferPointer<Float>) -> Double

  /// Decides the step's scalars: clipping coefficient, learning rate. Called once a step, and only
  /// where all sums are finite.
  ///
  /// - Parameters:
  ///   - step: the number of steps completed before this one.
  ///   - blockSums: what ``measure(block:in:)`` gave for each block, in block order.
  func prepare(step: Int, blockSums: UnsafeBufferPointer<Double>) throws

  /// The norms of each tensor's gradient in the update made last, before and behind clipping; none
  /// where nobody measures them.
  func parameterNorms() -> [ParameterNorms]

  /// Clips, updates and constrains all parameters, block by block, as ``prepare(step:blockSums:)``
  /// decided. The gradient is only read.
  ///
  /// - Returns: what was done.
  func apply(
    gradient: UnsafeBufferPointer<Float>, parameters: UnsafeMutableBufferPointer<Float>
  ) throws -> UpdateReport
}

extension ParameterUpdate {
  /// An update has no learning rate that could be multiplied.
  public var learningRateFactor: Double? {
    get { nil }
    set {}  // nothing is there to be set
  }

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

  public func parameterNorms() -> [ParameterNorms] { [] }
}

/// An update of which each rank does a part: it changes the blocks that its rank owns and keeps
/// state for these alone, with the bits that an update of all blocks gives them.
public protocol ShardedParameterUpdate: ParameterUpdate {
  /// Adds the other ranks' rows to a table: `width` values for each block of the layout, block
  /// after block, of which those of the owned blocks are filled in.
  typealias Gather = (_ table: UnsafeMutableBufferPointer<Double>, _ width: Int) throws -> Void

  /// The blocks that this rank owns.
  var owned: Range<Int> { get }

  /// Clips, updates and constrains the owned blocks, as `prepare(step:blockSums:)` decided. All
  /// ranks call it, and `gather` is called equally often on each.
  ///
  /// - Parameter gradient: valid for the owned blocks.
  /// - Returns: what was done, the same on all ranks.
  func apply(
    gradient: UnsafeBufferPointer<Float>, parameters: UnsafeMutableBufferPointer<Float>,
    gather: @escaping Gather
  ) throws -> UpdateReport

  /// Whether anything needs tensors whole.
  var constrainsGathered: Bool { get }

  /// Constrains what needs tensors whole, on every rank alike, once all parameters are there.
  func constrainGathered(parameters: UnsafeMutableBufferPointer<Float>) throws
}

/// What an update did in a step.
public struct UpdateReport: Sendable, Equatable {
  /// The Euclidean norm of the gradient before clipping.
  public var gradientNorm: Double
  /// Its norm after clipping.
  public var clippedGradientNorm: Double
  /// Whether clipping changed the gradient.
  public var clipped: Bool
  /// What clipping multiplied the norm by; 1 where nothing was clipped.
  public var coefficient: Double
  /// The part of the gradient's values that clipping changed.
  public var clippedFraction: Double
  /// The learning rate of the step.
  public var learningRate: Double

  /// Makes a report; the defaults are those of a gradient that clipping left alone.
  public init(
    gradientNorm: Double, clippedGradientNorm: Double, clipped: Bool, coefficient: Double = 1,
    clippedFraction: Double = 0, learningRate: Double
  ) {
    self.gradientNorm = gradientNorm
    self.clippedGradientNorm = clippedGradientNorm
    self.clipped = clipped
    self.coefficient = coefficient
    self.clippedFraction = clippedFraction
    self.learningRate = learningRate
  }
}

/// A penalty on the parameters that is part of the loss, added once to the normalised gradient,
/// before it is measured (Keras's `regularizer`).
public protocol GradientRegularizer: AnyObject {
  /// Adds the penalty's derivative for one block to the gradient and returns the block's penalty.
  func add(
    block: Int, to gradient: UnsafeMutableBufferPointer<Float>,
    parameters: UnsafeBufferPointer<Float>
  ) -> Double
}
