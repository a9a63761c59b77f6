import LockstepEngine

/// The Euclidean norms of one tensor's weights.
package struct WeightNorms: Sendable, Equatable {
  /// The norms of the units that a constraint holds in an interval.
  package struct Units: Sendable, Equatable {
    /// The least norm of a unit.
    package let least: Double
    /// The largest.
    package let largest: Double
    /// Where the constraint holds them.
    package let interval: NormInterval
  }

  /// The tensor's name.
  package let name: String
  /// The norm of all values.
  package let norm: Double
  /// The units; nil where no constraint is about norms.
  package let units: Units?
}

extension UpdateRule {
  /// The norms of all tensors' weights, in the layout's order. Sums run in a fixed order, so that their
  /// bits depend on the weights alone.
  package func weightNorms(_ parameters: UnsafeMutableBufferPointer<Float>) -> [WeightNorms] {
    WeightMeasure(layout, constraints, kernels).norms(parameters)
  }
}

/// What measures the weights of a layout. The parameters must be at hand whole.
private struct WeightMeasure {
  private let layout: FlatLayout
  /// The blocks of each slot.
  private let blocks: [[Block]]
  /// The units of slots that a constraint of norms is on.
  private let units: [(units: StridedUnits, interval: NormInterval)?]
  private let kernels: Kernels

  init(_ layout: FlatLayout, _ constraints: [WeightConstraint?], _ kernels: Kernels) {
    self.layout = layout
    self.kernels = kernels
    var blocks = [[Block]](repeating: [], count: layout.slots.count)
    for block in layout.blocks() { blocks[block.slot].append(block) }
    self.blocks = blocks
    units = zip(layout.slots, constraints).map { slot, constraint in
      guard let constraint, let projection = constraint.projection as? any NormProjection,
        !slot.shape.isEmpty, slot.count > 0,
        let reduced = try? constraint.reducedAxes(of: slot, owner: slot.name)
      else { return nil }
      let rule = NormRule(interval: projection.interval, mode: constraint.mode)
      return (
        StridedUnits(slot: slot, reduced: reduced, rule: rule, kernels: kernels),
        projection.interval
      )
    }
  }

  func norms(_ parameters: UnsafeMutableBufferPointer<Float>) -> [WeightNorms] {
    guard let base = parameters.baseAddress, parameters.count >= layout.count else { return [] }
    return layout.slots.indices.map { slot in
      let squares = blocks[slot].reduce(0) { sum, block in
        sum + kernels.sumOfSquares(base + block.offset, block.count)
      }
      return WeightNorms(
        name: layout.slots[slot].name, norm: squares.squareRoot(),
        units: units[slot].map { units, interval in
          let range = units.norms(base)
          return WeightNorms.Units(
            least: range.lowerBound, largest: range.upperBound, interval: interval)
        })
    }
  }
}
