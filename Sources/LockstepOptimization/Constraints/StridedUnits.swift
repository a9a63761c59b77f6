internal import CLockstepKernels
import LockstepEngine

/// Units whose values do not lie side by side: norms over any axes of a row-major tensor.
///
/// Sums run over the tensor in storage order, whoever computes them, so that their bits depend on
/// the tensor alone. The whole tensor must be at hand.
final class StridedUnits {
  private let offset: Int
  private let inner: Int
  private let innerIsReduced: Bool
  /// The unit (of the first value) of each run of `inner` values.
  private let units: [Int]
  private let rule: NormRule
  private let kernels: Kernels
  private let sums: Arena<Double>
  private let first: Arena<Float>
  private let second: Arena<Float>

  init(
    slot: FlatLayout.Slot, reduced: [Bool], rule: NormRule, kernels: Kernels
  ) {
    offset = slot.offset
    self.rule = rule
    self.kernels = kernels
    let shape = slot.shape
    innerIsReduced = reduced[shape.count - 1]
    var cut = shape.count - 1
    while cut > 0, reduced[cut - 1] == innerIsReduced { cut -= 1 }
    inner = shape[cut...].reduce(1, *)

    // The stride of each kept axis in the numbering of units.
    var strides = Array(repeating: 0, count: shape.count)
    var unitCount = 1
    for axis in shape.indices.reversed() where !reduced[axis] {
      strides[axis] = unitCount
      unitCount *= shape[axis]
    }
    var units = [0]
    for axis in 0..<cut {
      units = units.flatMap { base in (0..<shape[axis]).map { base + $0 * strides[axis] } }
    }
    self.units = units
    sums = Arena(count: unitCount)
    first = Arena(count: unitCount)
    second = Arena(count: unitCount)
  }

  /// The least and the largest norm of a unit of the tensor in its arena.
  func norms(_ parameters: UnsafePointer<Float>) -> ClosedRange<Double> {
    measure(parameters + offset)
    let least = sums.buffer.min() ?? 0
    let largest = sums.buffer.max() ?? 0
    return least.squareRoot()...max(least, largest).squareRoot()
  }

  /// Adds up the squares of each unit.
  private func measure(_ values: UnsafePointer<Float>) {
    sums.buffer.update(repeating: 0)
    for (run, unit) in units.enumerated() {
      if innerIsReduced {
        sums.base[unit] += kernels.sumOfSquares(values + run * inner, inner)
      } else {
        kernels.update.accumulate_squares(sums.base + unit, values + run * inner, inner)
      }
    }
  }

  /// Projects the tensor in its arena.
  func project(_ parameters: UnsafeMutablePointer<Float>) {
    let values = parameters + offset
    measure(values)
    var changes = false
    var splits = false
    for unit in sums.buffer.indices {
      let factor = rule.factor(norm: sums.base[unit].squareRoot())
      let scale = ScaleFactor(factor ?? 1)
      first.base[unit] = scale.first
      second.base[unit] = scale.second
      if factor != nil { changes = true }
      if scale.isSplit { splits = true }
    }
    if !changes { return }
    multiply(values, first)
    if splits { multiply(values, second) }
  }

  private func multiply(_ values: UnsafeMutablePointer<Float>, _ factors: Arena<Float>) {
    for (run, unit) in units.enumerated() {
      let start = values + run * inner
      if innerIsReduced {
        kernels.update.scale(start, start, factors.base[unit], inner)
      } else {
        kernels.update.multiply(start, factors.base + unit, inner)
      }
    }
  }
}
