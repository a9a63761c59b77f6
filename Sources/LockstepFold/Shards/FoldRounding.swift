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
