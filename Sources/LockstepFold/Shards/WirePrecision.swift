/// How gradients travel between ranks.
///
/// A bf16 number is the upper half of a Float32. What travels must be one then, and must be the same
/// one on any number of ranks, so the *tree* says what is rounded and not the messages: every sum of
/// 2^level shards or more, below the root, is rounded to the nearest bf16 number (ties to even) as
/// soon as it is made, inside a rank as well as between ranks. The root is rounded once it has been
/// divided by the batch's weight (and a penalty added), before it is measured.
///
/// Sums of fewer shards, sums of batch statistics, and parameters travel as Float32 always; losses,
/// metrics and norms as Double.
public enum WirePrecision: Sendable, Equatable {
  /// Four bytes a value.
  case float32
  /// Two bytes a value, for sums of 2^level shards and more.
  case bfloat16(level: Int)
}

/// Which sums of a fold are rounded to bf16, and in which part of the arena.
package struct FoldRounding: Sendable, Equatable {
  /// The tree's levels; those of the root and above are not among them.
  let levels: Range<Int>
  /// The number of values, from the start of the arena, that are gradients.
  let count: Int

  /// The same of an arena in which gradients take another number of values.
  package func over(count: Int) -> FoldRounding { FoldRounding(levels: levels, count: count) }

  /// How many of `count` values from `index` on are rounded in a sum of a level.
  func count(ofLevel level: Int, at index: Int, _ count: Int) -> Int {
    levels.contains(level) ? min(max(self.count - index, 0), count) : 0
  }
}

extension FoldPlan {
  /// The number of values of the arena, from its start, that are gradients, padding included.
  public var gradientCount: Int {
    gradientSlotCount < layout.slots.count ? layout.slots[gradientSlotCount].offset : layout.count
  }

  /// Which sums are rounded; nil where none is.
  package var rounding: FoldRounding? {
    guard case .bfloat16(let level) = wire else { return nil }
    let root = shards.trailingZeroBitCount
    return FoldRounding(levels: min(level, root)..<root, count: gradientCount)
  }

  /// Whether the gradients' sum of a subtree is rounded, so that two bytes a value carry it.
  package func isRounded(_ subtree: Subtree) -> Bool {
    rounding?.levels.contains(subtree.level) ?? false
  }

  /// Rounds a block of the folded arena to what the wire carries: what a visitor of
  /// ``GradientExchange/combine(_:)`` does last, if it changes a block of gradients. Other blocks, and
  /// all of them where Float32 travels, stay as they are.
  public func round(block index: Int, of folded: UnsafeMutableBufferPointer<Float>) {
    guard wire != .float32, index < gradientBlockCount else { return }
    let block = blocks[index]
    WireKernels().round(folded.baseAddress! + block.offset, count: block.count)
  }
}
