import LockstepEngine

// A projection is of one of four kinds. The kind fixes what of a tensor must be at hand: a value, a unit
// or all of it. Executors ask for hyperparameters only after `validate(owner:)` has passed.

/// A projection that limits every value by itself: w = min(max(w, lower), upper). A NaN stays a NaN.
public protocol ValueProjection: Projection {
  /// The least value.
  var lower: Float { get }
  /// The largest value, at least ``lower``; ∞ for none.
  var upper: Float { get }
}

/// A projection that scales each unit to a Euclidean norm: w = w · desired / ‖w‖.
///
/// A unit whose norm is within 2⁻²² of the one desired keeps its bits, and so does a unit of zeros, which
/// has no direction. In `mode: .keras` the formula is w · desired / (1e-7 + ‖w‖), always.
public protocol NormProjection: Projection {
  /// Where a unit's norm may lie.
  var interval: NormInterval { get }
}

/// A projection that changes the values of each unit in a way of its own.
///
/// Which values are one unit say the constraint's axes. They are handed over side by side, in storage
/// order. Units may be projected in any order, by any rank, and a rank may project units that others
/// project too. So the result depends on the unit's values alone, and its sums run in a fixed order.
/// Where a unit fits into a block and lies side by side in the tensor, it is projected while it is in
/// cache, by the rank that updates it; else behind the update, with the whole tensor at hand.
public protocol UnitProjection: Projection {
  /// Projects one unit in place.
  func project(_ unit: inout MutableSpan<Float>)
}

/// A projection of a whole tensor, which may remember something from step to step.
public protocol TensorProjection: Projection {
  /// Makes the object that projects one tensor, with its state at its initial values.
  ///
  /// - Throws: ``HyperparameterError`` where the projection does not fit the tensor.
  func bind(to tensor: ConstrainedTensor) throws -> any BoundProjection
}

/// A projection at work on one tensor.
///
/// All ranks project the whole tensor, once they have it. So the result depends on the values and on
/// ``state`` alone.
public protocol BoundProjection: AnyObject {
  /// What a checkpoint must hold; addresses never change.
  var state: [StateEntry] { get }
  /// Projects the tensor, in storage order, in place.
  func project(_ values: inout MutableSpan<Float>)
}

extension BoundProjection {
  public var state: [StateEntry] { [] }
}

/// The tensor that a ``TensorProjection`` is bound to.
public struct ConstrainedTensor {
  /// The parameter's dotted name.
  package let name: String
  /// The dimensions in PyTorch's layout.
  package let shape: [Int]
  let kernels: Kernels

  /// The number of values.
  public var count: Int { shape.reduce(1, *) }

  /// The state entry of numbers that the projection remembers; it is saved under the tensor's name.
  public func entry(_ name: String, _ values: Arena<Double>) -> StateEntry {
    StateEntry("constraint.\(name).\(self.name)", .doubles(values.buffer))
  }
}
