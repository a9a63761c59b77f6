internal import CLockstepKernels
import LockstepEngine

/// The constraints of all slots at work: block by block where a unit allows it, the rest behind
/// the walk.
final class ConstraintExecutor {
  /// Whether units exist that are runs of blocks, whose sums must be known of all blocks.
  let hasRuns: Bool
  /// Whether units exist that need the whole tensor.
  let hasStrided: Bool

  private let constraints: [SlotConstraint?]
  private let blocks: [Block]
  private let kernels: Kernels
  private let unitSums: Arena<Double>

  /// Plans constraints, one entry a slot or none at all.
  init(
    _ given: [WeightConstraint?], layout: FlatLayout, blocks: [Block], slotBlocks: [Range<Int>],
    kernels: Kernels
  ) throws {
    self.blocks = blocks
    self.kernels = kernels
    constraints = try layout.slots.indices.map { slot in
      guard let constraint = given.isEmpty ? nil : given[slot] else { return nil }
      return try SlotConstraint(
        constraint, slot: layout.slots[slot], blocks: slotBlocks[slot], kernels: kernels)
    }
    hasRuns = constraints.contains { if case .runs = $0 { true } else { false } }
    hasStrided = constraints.contains { if case .strided = $0 { true } else { false } }
    unitSums = Arena(count: FlatLayout.blockSize)
  }

  /// Does the part of a block's constraint that needs no other block. Returns the sum of squares
  /// of a block that is part of a run, else 0.
  func constrain(_ block: Block, _ weights: UnsafeMutablePointer<Float>) -> Double {
    switch constraints[block.slot] {
    case nil, .strided: break
    case .values(let lower, let upper):
      _ = kernels.update.limit(weights, weights, lower, upper, block.count)
    case .units(let size, let projection):
      let units = block.count / size
      kernels.update.unit_squares(unitSums.base, weights, size, units)
      for unit in 0..<units {
        guard let factor = projection.factor(norm: unitSums.base[unit].squareRoot()) else {
          continue
        }
        let start = weights + unit * size
        kernels.scale(start, start, by: ScaleFactor(factor), size)
      }
    case .runs:
      return kernels.sumOfSquares(weights, block.count)
    }
    return 0
  }

  /// Projects units that are runs of blocks, from the blocks' sums in block order; only the blocks
  /// of the groups are touched.
  func projectRuns(
    _ parameters: UnsafeMutablePointer<Float>, _ groups: [Range<Int>],
    sumOfSquares: (_ block: Int) -> Double
  ) {
    if !hasRuns { return }
    for constraint in constraints {
      guard case .runs(let runs, let projection) = constraint else { continue }
      for run in runs {
        var sum = 0.0
        for block in run { sum += sumOfSquares(block) }
        guard let factor = projection.factor(norm: sum.squareRoot()) else { continue }
        let scale = ScaleFactor(factor)
        for group in groups {
          for index in run.clamped(to: group) {
            let start = parameters + blocks[index].offset
            kernels.scale(start, start, by: scale, blocks[index].count)
          }
        }
      }
    }
  }

  /// Projects the tensors whose units are strided.
  func projectStrided(_ parameters: UnsafeMutablePointer<Float>) {
    if !hasStrided { return }
    for case .strided(let units) in constraints { units.project(parameters) }
  }
}
