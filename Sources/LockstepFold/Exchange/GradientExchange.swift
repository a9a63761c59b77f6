import LockstepEngine

/// The cross-rank half of the fold: partial trees in, the folded arena out.
///
/// A step calls ``begin(_:)``, writes ``partials``, calls ``computed(_:)`` and ``combine(_:)`` once, then
/// ``gather(_:)`` at least once, and reads ``folded``. After that the partials may be written again.
///
/// An implementation makes one ``FoldExecutor`` of its plan and calls it for each owned block:
///
/// ```swift
/// for index in plan.blockSlices[rank] {
///   try executor.combine(plan.blocks[index], of: operands, into: folded.baseAddress!)
///   try visit(index)
/// }
/// ```
///
/// Where the plan's wire is bf16, sums are rounded as ``WirePrecision`` says, and a visitor that
/// changes a block ends with ``FoldPlan/round(block:of:)``.
package protocol GradientExchange: AnyObject {
  /// This rank's partial sums, one arena for each of its maximal aligned subtrees
  /// (`plan.subtrees[rank]`), in shard order. All values are zero at first, and padding between
  /// slots is never written.
  var partials: [UnsafeMutableBufferPointer<Float>] { get }

  /// The folded arena. The slice this rank owns is valid during and after ``combine(_:)``, the
  /// whole arena after ``gather(_:)``; from then on until the next ``combine(_:)`` nobody writes it,
  /// because ranks of one node may share one copy.
  var folded: UnsafeMutableBufferPointer<Float> { get }

  /// Whether ``combine(_:)`` leaves the whole arena on every rank and visits all blocks on each, so
  /// that nothing need be gathered.
  var visitsAllBlocks: Bool { get }

  /// Whether each ``combine(_:)`` is followed by a ``gather(_:)`` of gradients, so that folded blocks may
  /// start on their way back as soon as they are complete. Set on all ranks alike, before
  /// ``combine(_:)``.
  var returnsGradients: Bool { get set }

  /// A batch is about to be computed, and folded by ``combine(_:)`` or given up by ``abandon()``. Called by
  /// all ranks.
  func begin(_ batch: StepBatch) throws

  /// This rank has computed its shards of the batch. What it throws ends the step like an error of the
  /// source.
  func computed(_ batch: StepBatch) throws

  /// Whether it wants to hear, by ``ready(_:)``, of partials that are complete in part. May change from
  /// batch to batch, on all ranks alike.
  var listens: Bool { get }

  /// Hears that this rank's partials have all their values in a part of the arena and will not change
  /// there before ``combine(_:)``; they may travel. In a step that announces any part, the parts tile
  /// the arena, in any order. What goes wrong is thrown by ``combine(_:)``.
  func ready(_ part: Range<Int>)

  /// Lets what is under way go on. Called often while the last shard is computed.
  func progress()

  /// Ends a step on all ranks that will not come to ``combine(_:)``: afterwards nothing is under way.
  /// Called by all ranks, whatever each has announced.
  func abandon()

  /// Adds the partials of all ranks in tree order, for the blocks that this rank owns, and calls
  /// `visit` with the index of each block (into `plan.blocks`), once it is complete and still in
  /// cache. `visit` may change the block's values in ``folded``. Where ``returnsGradients`` holds, an
  /// exchange may make and visit other ranks' blocks too, instead of having them sent.
  func combine(_ visit: (Int) throws -> Void) throws

  /// Makes every rank's slice of ``folded`` visible to all (`plan.slices`, in rank order).
  func gather(_ contents: FoldedContents) throws
}

/// What the folded arena holds when it is gathered.
package enum FoldedContents: Sendable {
  /// Gradients, rounded to what the wire carries.
  case gradients
  /// Other values in the gradients' place, which travel as they are.
  case parameters
}

extension GradientExchange {
  /// Gathers gradients.
  package func gather() throws { try gather(.gradients) }

  /// Owners visit their blocks.
  package var visitsAllBlocks: Bool { false }

  /// Gradients come back when they are gathered.
  package var returnsGradients: Bool {
    get { false }
    set {}
  }

  /// All batches are folded alike.
  package func begin(_ batch: StepBatch) throws {}
  package func computed(_ batch: StepBatch) throws {}

  /// Nothing travels before all partials are complete.
  package var listens: Bool { false }
  package func ready(_ part: Range<Int>) {}
  package func progress() {}
  package func abandon() {}
}
