import LockstepEngine

/// A transform of some tensors. All others pass it untouched, and no state is kept of them.
package struct Restricted: GradientTransform {
  /// What transforms these tensors.
  let base: any GradientTransform
  /// Which tensors an update takes as matrices.
  let choice: MatrixChoice
  /// Whether the matrices are meant, or all the rest.
  let isForMatrices: Bool

  package func validate() throws { try base.validate() }
  package var schedules: [Schedule] { base.schedules }

  package func bind(to context: TransformContext) throws -> any BoundTransform {
    let chosen = try choice.matrices(in: context.layout).map { $0 == isForMatrices }
    let bound = try base.bindInspected(to: context.part(chosen))
    precondition(bound.measures.isEmpty, "\(base) measures, and sees a part of the tensors alone")
    return Bound(bound, chosen, context)
  }

  /// Hands blocks on, at the places that they have in the part.
  private final class Bound: InspectedTransform {
    /// Where a slot lies in the part.
    struct Place {
      let slot: Int
      /// How far its values and blocks lie behind those in the part.
      let values: Int
      let blocks: Int
    }

    private let base: any InspectedTransform
    private let places: [Place?]
    var state: [StateEntry] { base.state }
    var sharedState: String? { base.sharedState }

    init(_ base: any InspectedTransform, _ chosen: [Bool], _ context: TransformContext) {
      self.base = base
      var (slot, values, blocks) = (0, 0, 0)
      places = context.layout.slots.enumerated().map { index, tensor in
        let count = context.slotBlocks[index].count
        guard chosen[index] else {
          values += tensor.paddedCount
          blocks += count
          return nil
        }
        defer { slot += 1 }
        return Place(slot: slot, values: values, blocks: blocks)
      }
    }

    func prepare(_ step: StepContext) { base.prepare(step) }

    func isActive(slot: Int) -> Bool { places[slot].map { base.isActive(slot: $0.slot) } ?? false }

    func apply(_ block: BlockView) {
      guard let place = places[block.slot] else { return }
      base.apply(
        BlockView(
          index: block.index - place.blocks, slot: place.slot, offset: block.offset - place.values,
          count: block.count, input: block.input, output: block.output,
          parameters: block.parameters, changed: block.changed))
    }

    func commit() { base.commit() }
  }
}

extension TransformContext {
  /// A context of the chosen tensors alone, in the same order.
  func part(_ chosen: [Bool]) -> TransformContext {
    let slots = layout.slots.indices.filter { chosen[$0] }
    let tensors = slots.map { layout.slots[$0] }
    let part = FlatLayout(
      tensors.map { ($0.name, $0.shape) }, constraints: tensors.map(\.constraint),
      roles: tensors.map(\.role))
    // A rank's values lie side by side, and so do those that are chosen.
    let ranges = held.map { held in
      zip(tensors, part.slots).compactMap { whole, part -> Range<Int>? in
        let values = held.clamped(to: whole.range)
        let shift = whole.offset - part.offset
        return values.isEmpty ? nil : values.lowerBound - shift..<values.upperBound - shift
      }
    }
    let blocks = part.blocks()
    return TransformContext(
      layout: part, blocks: blocks,
      slotBlocks: LockstepOptimization.slotBlocks(blocks, slots: part.slots.count),
      learningRateFactors: slots.map { learningRateFactors[$0] },
      weightDecayFactors: slots.map { weightDecayFactors[$0] },
      held: ranges.map { $0.isEmpty ? 0..<0 : $0.first!.lowerBound..<$0.last!.upperBound },
      kernels: kernels)
  }
}
