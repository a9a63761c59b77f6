import LockstepEngine

extension FoldPlan {
  /// The number of values of the arena, from its start, that are gradients, padding included.
  package var gradientCount: Int {
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
  package func round(block index: Int, of folded: UnsafeMutableBufferPointer<Float>) {
    guard wire != .float32, index < gradientBlockCount else { return }
    let block = blocks[index]
    WireKernels().round(folded.baseAddress! + block.offset, count: block.count)
  }
}
