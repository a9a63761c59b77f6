/// The Euclidean norms of one tensor's gradient in a step.
package struct ParameterNorms: Sendable, Equatable {
  /// The tensor's name.
  package let name: String
  /// The norm before clipping.
  package let before: Double
  /// The norm behind the last clip; the same where there is none.
  package let after: Double
}

extension UpdateRule {
  /// The norms of every tensor's gradient in the update that was made last, in the layout's order:
  /// put together from sums over blocks that were measured anyway.
  ///
  /// Squares of the norms add up to those of the report's, within rounding. Where ranks update parts,
  /// every rank knows all of them.
  package func parameterNorms() -> [ParameterNorms] {
    layout.slots.indices.map { slot in
      let before = passes[0].measurements.norm(.update(.two), slot: slot)
      return ParameterNorms(
        name: layout.slots[slot].name, before: before,
        after: lastClip.map { clippedNorm(slot, behind: $0) } ?? before)
    }
  }

  private func clippedNorm(_ slot: Int, behind clip: Int) -> Double {
    let transform = transforms[clip]
    if transform.clippedNorm != nil,
      let pass = passes.first(where: { $0.transforms.contains(clip) })
    {
      // A clip that scales by norms starts the pass that measures them.
      return pass.measurements.norm(.update(.two), slot: slot) * (transform.factor(slot: slot) ?? 1)
    }
    var squares = 0.0
    for block in passes[0].measurements.slotBlocks[slot] {
      squares += tally.base[block * Tally.width + Tally.clipped]
    }
    return squares.squareRoot()
  }

  /// The tensor that holds more than 99 % of a norm before clipping, where three or more share it.
  func dominantTensor(of norm: Double) -> Int? {
    guard layout.slots.count > 2, norm > 0 else { return nil }
    let measured = passes[0].measurements
    return layout.slots.indices.first { measured.norm(.update(.two), slot: $0) > 0.99 * norm }
  }

  /// The part of the gradient's values that clips changed.
  var clippedFraction: Double {
    var (changed, count) = (0.0, 0.0)
    var (slot, isScaled) = (-1, false)
    for (index, block) in blocks.enumerated() {
      if block.slot != slot {
        slot = block.slot
        isScaled = transforms.contains { $0.factor(slot: slot) != nil }
      }
      let size = Double(block.count)
      // Clips one behind the other may have changed the same values.
      changed += isScaled ? size : min(tally.base[index * Tally.width + Tally.changed], size)
      count += size
    }
    return count == 0 ? 0 : changed / count
  }
}
