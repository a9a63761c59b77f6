/// What travels between nodes in a step beside partial sums, and what blocks are made of it in the place of
/// sums.
protocol SideTraffic: AnyObject {
  /// Carries the partial sums of all other blocks.
  var rest: PartialRoute { get }

  /// Gets ready to receive.
  func open() throws

  /// Starts what has not been started, as it is; whether something is under way then.
  func startAll() throws -> Bool

  /// Lets MPI go on with all messages; whether one is under way.
  func progress() throws -> Bool

  /// Makes blocks of what has been received, and visits each.
  ///
  /// - Parameters:
  ///   - folded: the folded arena of the node.
  ///   - isReturning: whether gradients are to come back, so that those of other nodes' owners may be made
  ///     too, instead of having them sent.
  ///   - meet: returns when all ranks of the node have come here.
  ///   - progress: called now and then.
  func make(
    into folded: UnsafeMutablePointer<Float>, isReturning: Bool, meet: () throws -> Void,
    progress: () -> Void, _ visit: (Int) throws -> Void
  ) throws

  /// Waits for what is under way.
  func wait(stillWaiting: (_ peer: Int) -> Void) throws

  /// Makes ready for the next step.
  func reset()
}
