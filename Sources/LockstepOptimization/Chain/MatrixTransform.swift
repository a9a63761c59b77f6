import LockstepEngine

/// A transform that works on whole matrices: a tensor's leading dimension × all the rest, a convolution's
/// kernels flattened.
///
/// It starts a pass of its own. Where ranks share the work, each matrix is in the hands of one of them
/// (``MatrixExchange``), so the result depends on the matrix, the parameters and the transform's own
/// numbers alone.
package protocol MatrixTransform: InspectedTransform {
  /// The update that it is a part of, for messages.
  var owner: String { get }
  /// The floating-point operations that a slot's matrix takes; nil for a tensor that passes untouched.
  func operations(slot: Int) -> Double?
  /// Whether a slot's result is the same for any multiple of what reaches it.
  func ignoresMagnitude(slot: Int) -> Bool
  /// Transforms a slot's update in place.
  ///
  /// - Parameters:
  ///   - update: the slot's values, in storage order.
  ///   - parameters: those of its parameters before this step.
  ///   - number: the number of the slot's update, counted from 1.
  func transform(
    slot: Int, _ update: UnsafeMutablePointer<Float>, parameters: UnsafePointer<Float>, number: Int)
  /// The number of updates after which what they take is repeated; 1 by default.
  var period: Int { get }
  /// What it keeps of each matrix; none by default. It is all of its state.
  var matrixStates: [MatrixState] { get }
}

extension MatrixTransform {
  package func isActive(slot: Int) -> Bool { false }
  package func apply(_ block: BlockView) {}
  package var period: Int { 1 }
  package var matrixStates: [MatrixState] { [] }
  package var state: [StateEntry] { matrixStates.map(\.entry) }
}

/// Shares the matrices of an update out over ranks.
package protocol MatrixExchange: AnyObject {
  /// The slots that this rank has the matrices of; nil, as by default, where it transforms all.
  var owned: Range<Int>? { get }

  /// Has each matrix transformed once, by one rank, and gives the results to all that need them. Called by
  /// all ranks.
  ///
  /// - Parameters:
  ///   - update: the update in the arena's layout; before and after, the blocks that this rank updates are
  ///     valid.
  ///   - work: transforms a slot's values.
  func transform(
    _ update: UnsafeMutablePointer<Float>,
    _ work: (_ slot: Int, _ values: UnsafeMutablePointer<Float>) -> Void) throws
}

extension MatrixExchange {
  package var owned: Range<Int>? { nil }
}
