import LockstepCatalog
import LockstepEngine

/// Takes the mean of each unit from its values: gradient centralisation. Vectors and scalars pass.
package struct Centralize: GradientTransform, Equatable {
  /// Patterns of the names it is for; none: all.
  package let scope: [String]

  /// Makes a transform for the tensors in scope.
  package init(scope: [String] = []) { self.scope = scope }

  package func validate() throws {}

  package func bind(to context: TransformContext) throws -> any BoundTransform {
    let scope = try ClipScope(scope, of: context.layout, owner: "centralize")
    return Bound(
      context, zip(scope.chosen, context.layout.slots).map { $0 && $1.shape.count > 1 })
  }

  private final class Bound: InspectedTransform {
    private let context: TransformContext
    private let chosen: [Bool]
    /// The means of blocks that are part of a larger unit.
    private var means: [Float]
    let measures: [Measure]

    init(_ context: TransformContext, _ chosen: [Bool]) {
      self.context = context
      self.chosen = chosen
      means = Array(repeating: 0, count: context.blocks.count)
      let anyLarge = zip(context.layout.slots, chosen).contains { slot, isMeant in
        isMeant && slot.unitSize > FlatLayout.blockSize
      }
      measures = anyLarge ? [.updateSum] : []
    }

    func isActive(slot: Int) -> Bool { chosen[slot] }

    func prepare(_ step: StepContext) {
      for (index, slot) in context.layout.slots.enumerated()
      where chosen[index] && slot.unitSize > FlatLayout.blockSize {
        for run in unitRuns(of: slot, blocks: context.slotBlocks[index]) {
          let mean = step.measurements.norm(.updateSum, blocks: run) / Double(slot.unitSize)
          for block in run { means[block] = Float(mean) }
        }
      }
    }

    func apply(_ block: BlockView) {
      let size = context.layout.slots[block.slot].unitSize
      for start in stride(from: 0, to: block.count, by: min(size, block.count)) {
        let unit = start..<min(start + size, block.count)
        var mean = means[block.index]
        if size <= FlatLayout.blockSize {
          var sum = 0.0
          for index in unit { sum += Double(block.input[index]) }
          mean = Float(sum / Double(size))
        }
        for index in unit { block.output[index] = block.input[index] - mean }
      }
    }
  }
}

extension Centralize {
  static let entry = Entry<any GradientTransform>(
    "centralize", "takes the mean of every unit from it, but of vectors; no limit", [.scope]
  ) { values in Centralize(scope: values["scope"]) }
}

extension GradientTransform where Self == Provided {
  /// Takes the mean of each unit from its values; vectors and scalars pass.
  ///
  /// g_j = g_j − mean(g_j) for every unit j, all values that share the leading index of PyTorch's layout.
  /// (Yong et al. 2020, "Gradient centralization".)
  ///
  /// - Parameter scope: patterns of the names it is for; none: all.
  public static func centralize(scope: [String] = []) -> some GradientTransform {
    Centralize(scope: scope)
  }
}
