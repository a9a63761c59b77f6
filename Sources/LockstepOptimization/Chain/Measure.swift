internal import CLockstepKernels
import LockstepEngine

/// The order p of a vector norm ‖x‖ₚ = (Σ|xᵢ|ᵖ)^(1/p).
public enum VectorNorm: Sendable, Equatable {
  /// Σ|xᵢ|.
  case one
  /// The Euclidean norm.
  case two
  /// max |xᵢ|.
  case infinity
  /// A whole power from 1 to 8: Float32 values to the eighth power still fit Double.
  case power(Int)
}

/// A quantity that must be known of all blocks before a transform can start.
package enum Measure: Sendable, Equatable {
  /// Σ|xᵢ|ᵖ (or the maximum) of the update vector as it reaches the transform.
  case update(VectorNorm)
  /// Σxᵢ of the update vector as it reaches the transform.
  case updateSum
  /// The sum of squares of the parameters before this step.
  case parameters
}

/// Measured values of every block, from which norms are put together in block order, in Double.
///
/// Squares of Float32 values neither overflow nor vanish in Double, so that norms of gradients
/// around 1e30 or 1e-30 come out right.
package final class Measurements {
  let measures: [Measure]
  /// One row a block, one column a measure.
  let table: Arena<Double>
  let blockCount: Int
  let slotBlocks: [Range<Int>]
  /// What a transform asked for that it cannot have; the update throws it before anything changes.
  private(set) var misuse: UpdateError?

  init(measures: [Measure], blockCount: Int, slotBlocks: [Range<Int>]) {
    self.measures = measures
    self.blockCount = blockCount
    self.slotBlocks = slotBlocks
    table = Arena(count: blockCount * measures.count)
  }

  /// The norm over all tensors.
  package func norm(_ measure: Measure) -> Double { norm(measure, blocks: 0..<blockCount) }

  /// The norm of one tensor.
  package func norm(_ measure: Measure, slot: Int) -> Double {
    guard slotBlocks.indices.contains(slot) else {
      misuse =
        misuse
        ?? .badMeasure("a transform asks for the norm of slot \(slot) of \(slotBlocks.count)")
      return .nan
    }
    return norm(measure, blocks: slotBlocks[slot])
  }

  /// The norm of a run of blocks, added in block order.
  package func norm(_ measure: Measure, blocks: Range<Int>) -> Double {
    finish(measure, add(measure, blocks, to: 0))
  }

  /// The norm of the chosen tensors together, added in block order.
  func norm(_ measure: Measure, of chosen: [Bool]) -> Double {
    var total = 0.0
    for slot in chosen.indices where chosen[slot] {
      total = add(measure, slotBlocks[slot], to: total)
    }
    return finish(measure, total)
  }

  /// The Euclidean norm over all tensors when each is multiplied by its factor (nil: 1).
  func norm(scaledBy factors: [Double?]) -> Double {
    var squares = 0.0
    for slot in factors.indices {
      let value = norm(.update(.two), slot: slot) * (factors[slot] ?? 1)
      squares += value * value
    }
    return squares.squareRoot()
  }

  private func add(_ measure: Measure, _ blocks: Range<Int>, to start: Double) -> Double {
    guard let column = measures.firstIndex(of: measure), blocks.lowerBound >= 0,
      blocks.upperBound <= blockCount
    else {
      misuse =
        misuse
        ?? .badMeasure(
          "a transform asks for \(measure) of the blocks \(blocks): it declares "
            + "\(measures), and there are \(blockCount) blocks")
      return .nan
    }
    let width = measures.count
    var total = start
    if case .update(.infinity) = measure {
      for block in blocks {
        let value = table.base[block * width + column]
        if !(total >= value) && !total.isNaN { total = value }
      }
      return total
    }
    for block in blocks { total += table.base[block * width + column] }
    return total
  }

  private func finish(_ measure: Measure, _ total: Double) -> Double {
    switch measure {
    case .update(.infinity), .update(.one), .update(.power(1)), .updateSum: total
    // Eighth powers are those of a sixteenth of the values.
    case .update(.power(8)): 16 * total.squareRoot().squareRoot().squareRoot()
    case .update(.power(let p)) where p != 2: ExactMath.power(total, 1 / Double(p))
    default: total.squareRoot()
    }
  }

  /// Fills a block's row.
  func measure(
    block: Int, update: UnsafePointer<Float>, parameters: UnsafePointer<Float>, count: Int,
    kernels: Kernels
  ) {
    let width = measures.count
    for (column, measure) in measures.enumerated() {
      table.base[block * width + column] =
        switch measure {
        case .update(.two), .update(.power(2)): kernels.sumOfSquares(update, count)
        case .update(.one): kernels.update.sum_of_powers(update, 1, count)
        case .update(.power(let p)): kernels.update.sum_of_powers(update, Int32(p), count)
        case .update(.infinity): kernels.update.largest_magnitude(update, count)
        case .updateSum: sum(update, count)
        case .parameters: kernels.sumOfSquares(parameters, count)
        }
    }
  }
}

/// The sum of values in their order, in Double.
private func sum(_ values: UnsafePointer<Float>, _ count: Int) -> Double {
  var total = 0.0
  for index in 0..<count { total += Double(values[index]) }
  return total
}
