import LockstepCatalog
import LockstepEngine

/// Adaptive gradient clipping: limits the norm of each unit to a fraction of its weights' norm.
package struct AdaptiveClip: GradientTransform, Equatable {
  /// λ.
  package let fraction: Double
  /// ε, the least norm that a unit's weights count with.
  package let epsilon: Double
  /// Patterns of the names it is for; none: all.
  package let scope: [String]

  /// Makes a clip with λ = `fraction`; the defaults are the paper's.
  package init(_ fraction: Double = 0.01, epsilon: Double = 1e-3, scope: [String] = []) {
    self.fraction = fraction
    self.epsilon = epsilon
    self.scope = scope
  }

  package func validate() throws {
    try HyperparameterRange.positive.check("adaptive clip", "fraction", fraction)
    try HyperparameterRange.positive.check("adaptive clip", "epsilon", epsilon)
  }

  package func bind(to context: TransformContext) throws -> any BoundTransform {
    Bound(self, context, try ClipScope(scope, of: context.layout, owner: "adaptive clip"))
  }

  private final class Bound: InspectedTransform {
    private let rule: AdaptiveClip
    private let scope: ClipScope
    private let context: TransformContext
    /// The factors of blocks that are part of a larger unit.
    private var factors: [Double?]
    private let updateSquares: Arena<Double>
    private let weightSquares: Arena<Double>
    let measures: [Measure]
    var isClip: Bool { true }

    init(_ rule: AdaptiveClip, _ context: TransformContext, _ scope: ClipScope) {
      self.rule = rule
      self.scope = scope
      self.context = context
      factors = Array(repeating: nil, count: context.blocks.count)
      updateSquares = Arena(count: FlatLayout.blockSize)
      weightSquares = Arena(count: FlatLayout.blockSize)
      let anyLarge = zip(context.layout.slots, scope.chosen).contains { slot, isMeant in
        isMeant && slot.unitSize > FlatLayout.blockSize
      }
      measures = anyLarge ? [.update(.two), .parameters] : []
    }

    func isActive(slot: Int) -> Bool { scope.chosen[slot] }

    private func factor(update: Double, weights: Double) -> Double? {
      let limit = rule.fraction * max(weights, rule.epsilon)
      return update > limit * (1 + normSlack) ? limit / update : nil
    }

    func prepare(_ step: StepContext) {
      for (index, slot) in context.layout.slots.enumerated()
      where scope.chosen[index] && slot.unitSize > FlatLayout.blockSize {
        for run in unitRuns(of: slot, blocks: context.slotBlocks[index]) {
          let value = factor(
            update: step.measurements.norm(.update(.two), blocks: run),
            weights: step.measurements.norm(.parameters, blocks: run))
          for block in run { factors[block] = value }
        }
      }
    }

    func apply(_ block: BlockView) {
      let unit = context.layout.slots[block.slot].unitSize
      if unit > FlatLayout.blockSize {
        let value = factors[block.index]
        context.kernels.scale(
          block.output, block.input, by: ScaleFactor(value ?? 1), block.count)
        if value != nil { block.changed.pointee += Double(block.count) }
        return
      }
      let units = block.count / unit
      context.kernels.update.unit_squares(updateSquares.base, block.input, unit, units)
      context.kernels.update.unit_squares(weightSquares.base, block.parameters, unit, units)
      for j in 0..<units {
        let value = factor(
          update: updateSquares.base[j].squareRoot(), weights: weightSquares.base[j].squareRoot())
        context.kernels.scale(
          block.output + j * unit, block.input + j * unit, by: ScaleFactor(value ?? 1), unit)
        if value != nil { block.changed.pointee += Double(unit) }
      }
    }
  }
}

extension AdaptiveClip {
  static let entry = Entry<any GradientTransform>(
    "adaptive", "limits every unit to a fraction of its weights' norm (NFNet)",
    [
      .with("fraction", .positive, 0.01, "of the weights' norm"),
      .with("epsilon", .positive, 1e-3, "the least norm of weights that counts"), .scope,
    ]
  ) { values in
    AdaptiveClip(values["fraction"], epsilon: values["epsilon"], scope: values["scope"])
  }
}

/// The runs of blocks that make up the units of a slot whose units are larger than a block.
func unitRuns(of slot: FlatLayout.Slot, blocks: Range<Int>) -> [Range<Int>] {
  let length = blocks.count / slot.unitCount
  return (0..<slot.unitCount).map { unit in
    blocks.lowerBound + unit * length..<blocks.lowerBound + (unit + 1) * length
  }
}

extension GradientTransform where Self == Provided {
  /// Adaptive gradient clipping: limits the norm of each unit to a fraction of its weights' norm.
  ///
  /// u_j = u_j · λ max(‖w_j‖, ε) / ‖u_j‖ where ‖u_j‖ > λ max(‖w_j‖, ε), for every unit j (all values
  /// that share the leading index of PyTorch's layout; a vector or scalar is one unit, where the
  /// paper's code takes each value of a vector by itself). (Brock et al. 2021, NFNets, equation 3.)
  ///
  /// - Parameters:
  ///   - fraction: the largest norm of a unit, as a fraction of its weights' norm.
  ///   - epsilon: the least norm of weights that counts.
  ///   - scope: patterns of the names it is for; none: all.
  public static func adaptiveClip(
    _ fraction: Double = 0.01, epsilon: Double = 1e-3, scope: [String] = []
  ) -> some GradientTransform {
    AdaptiveClip(fraction, epsilon: epsilon, scope: scope)
  }
}
