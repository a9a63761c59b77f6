import LockstepEngine

/// Adds one rank's shards up to its maximal subtrees, as a binary counter does.
///
/// Shards are computed one after the other in shard order; each is written to a register and then
/// added into the registers below as long as a carry runs (`TreeOrder`). Register 0 is the partial
/// itself; at most log2 L scratch arenas are kept.
public final class ShardAccumulator {
  /// The rank's maximal subtrees, in shard order.
  package let subtrees: [FoldPlan.Subtree]
  /// What looks at each leaf before it is added; nil where nobody does.
  package var inspector: LeafInspector?
  /// Where statistics lie in a leaf, for the inspector.
  package var statistics: [Range<Int>] = []
  /// What wants to hear of sums that are complete in part, while the last shard is computed; nil where
  /// nobody does.
  package var listener: (any GradientExchange)?
  private let count: Int
  /// Made when first used: a source that adds its shards up in another layout never does.
  private lazy var scratch = (0..<(subtrees.map(\.level).max() ?? 0)).map { _ in
    Arena<Float>(count: count)
  }
  private let addition: TreeAddition
  /// The leaf that is being added piece by piece.
  private var last: LastLeaf?

  /// How the last leaf is added.
  private struct LastLeaf {
    let partial: UnsafeMutableBufferPointer<Float>
    let top: Int
    let carries: Int
    /// What is left to be added to the first sum; nil for all of it.
    let parts: [Range<Int>]?
  }

  /// An accumulator for one rank's run of shards.
  ///
  /// - Parameters:
  ///   - plan: the fold.
  ///   - rank: whose shards.
  package convenience init(_ plan: FoldPlan, rank: Int) {
    self.init(plan.subtrees[rank], count: plan.layout.count, plan.rounding)
  }

  /// An accumulator for a run of shards that has these maximal subtrees, over arenas of `count`
  /// values in any layout.
  package init(_ subtrees: [FoldPlan.Subtree], count: Int, _ rounding: FoldRounding?) {
    self.subtrees = subtrees
    self.count = count
    addition = TreeAddition(rounding)
  }

  /// How many shards can be computed at once and count as one leaf of the binary counter: as many as
  /// make up subtrees everywhere, and one where single shards are looked at or rounded.
  package var widestGroup: Int {
    guard inspector == nil, rounding == nil else { return 1 }
    return subtrees.lazy.map(\.shards.count).min() ?? 1
  }

  /// Which sums are rounded.
  package var rounding: FoldRounding? { addition.rounding }

  /// Computes all shards of the rank, in order, and leaves one sum a subtree in `partials`.
  ///
  /// - Parameters:
  ///   - partials: one arena a subtree, all of the length given at initialisation.
  ///   - compute: computes a shard's leaf and writes *all* values of the buffer (an empty shard
  ///     writes zeros).
  /// - Throws: ``ArgumentError`` where there is not one arena a subtree; what `compute` throws.
  package func accumulate(
    into partials: [UnsafeMutableBufferPointer<Float>],
    _ compute: (_ shard: Int, _ leaf: UnsafeMutableBufferPointer<Float>) throws -> Void
  ) throws {
    guard partials.count == subtrees.count, partials.allSatisfy({ $0.count >= count }) else {
      throw ArgumentError(
        "ShardAccumulator", "partials", is: partials.map(\.count),
        expected: "\(subtrees.count) arenas of \(count) values, one a subtree")
    }
    try accumulate(into: partials, adding: nil) { shards, leaf, _ in
      try compute(shards.lowerBound, leaf)
    }
  }

  /// As ``accumulate(into:_:)``, with a source that adds a part of a leaf itself, unless somebody must
  /// look at it first.
  ///
  /// - Parameters:
  ///   - parts: what is left of a leaf to be added where `compute` was given a sum; all of it if
  ///     nil.
  ///   - all: what leaves have at all; the whole arena if nil.
  ///   - width: how many shards `compute` computes at once and adds up as the tree does; see
  ///     ``widestGroup``.
  ///   - piecewise: whether `compute` calls ``finish(_:)`` for all parts of the last leaf, which
  ///     nobody may want to inspect.
  ///   - compute: gets the sum that the leaf will be added to, if that is the next thing to happen.
  package func accumulate(
    into partials: [UnsafeMutableBufferPointer<Float>], adding parts: [Range<Int>]?,
    of all: [Range<Int>]? = nil, width: Int = 1, piecewise: Bool = false,
    _ compute: (
      _ shards: Range<Int>, _ leaf: UnsafeMutableBufferPointer<Float>,
      _ sum: UnsafeMutableBufferPointer<Float>?
    ) throws -> Void
  ) rethrows {
    precondition(partials.count == subtrees.count, "one partial a subtree")
    precondition(!piecewise || inspector == nil, "a leaf in pieces cannot be inspected")
    precondition(widestGroup % width == 0, "\(width) shards at once are no subtrees")
    defer { last = nil }
    let roundsLeaves = rounding?.levels.contains(0) ?? false
    let parts = inspector == nil ? parts : nil
    for (subtree, partial) in zip(subtrees, partials) {
      func register(_ index: Int) -> UnsafeMutableBufferPointer<Float> {
        self.register(index, partial)
      }
      for leaf in 0..<subtree.shards.count / width {
        let first = subtree.shards.lowerBound + leaf * width
        let shards = first..<first + width
        var top = TreeOrder.register(ofLeaf: leaf)
        let carries = TreeOrder.carries(afterLeaf: leaf)
        // A leaf that is rounded has to be there by itself first.
        let addsItself = carries > 0 && !roundsLeaves
        let isInPieces = piecewise && shards.upperBound == subtrees.last?.shards.upperBound
        if isInPieces {
          last = LastLeaf(
            partial: partial, top: top, carries: carries, parts: addsItself ? parts : nil)
        }
        try compute(shards, register(top), parts != nil && addsItself ? register(top - 1) : nil)
        if isInPieces { continue }
        finish(first, register(top))
        for carry in 0..<carries {
          let sum = register(top - 1)
          let other = register(top).baseAddress!
          if carry == 0, addsItself, let parts {
            for part in parts { add(other, to: sum, part, level: 1) }
            if rounding != nil, parts != [sum.indices] { addition.round(sum, level: 1) }
          } else {
            for part in all ?? [sum.indices] { add(other, to: sum, part, level: carry + 1) }
          }
          top -= 1
        }
      }
    }
  }

  /// What happens to every leaf before it is added to anything: it is inspected, and rounded where
  /// leaves are.
  package func finish(_ shard: Int, _ leaf: UnsafeMutableBufferPointer<Float>) {
    inspector?.inspect(shard, leaf, statistics: statistics)
    addition.round(leaf, level: 0)
  }

  /// Does with a part of the last leaf, which is being computed, what ``accumulate(into:_:)`` does with
  /// whole leaves: rounds it where leaves are, and adds it as far as it carries.
  package func finish(_ part: Range<Int>) {
    guard let last else { preconditionFailure("no leaf is being computed in pieces") }
    addition.round(register(last.top, last.partial), part, level: 0)
    for carry in 0..<last.carries {
      guard let other = register(last.top - carry, last.partial).baseAddress else { return }
      let sum = register(last.top - carry - 1, last.partial)
      if carry == 0, let parts = last.parts {
        for left in parts where left.overlaps(part) {
          add(other, to: sum, left.clamped(to: part), level: 1)
        }
        // What has been added already; the rest stays as it is.
        addition.round(sum, part, level: 1)
      } else {
        add(other, to: sum, part, level: carry + 1)
      }
    }
  }

  private func register(
    _ index: Int, _ partial: UnsafeMutableBufferPointer<Float>
  ) -> UnsafeMutableBufferPointer<Float> {
    index == 0 ? partial : scratch[index - 1].buffer
  }

  /// Adds a part of an arena to a sum, which becomes a node of a level.
  private func add(
    _ other: UnsafeMutablePointer<Float>, to sum: UnsafeMutableBufferPointer<Float>,
    _ part: Range<Int>, level: Int
  ) {
    guard let sum = sum.baseAddress else { return }
    let start = part.lowerBound
    addition.add(
      sum + start, sum + start, other + start, at: start, count: part.count, level: level)
  }
}
