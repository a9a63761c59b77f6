import LockstepCollective
import LockstepFold
import LockstepEngine

/// One sum of squares and one penalty a block, measured by the block's owner and gathered on every
/// rank in block order.
final class BlockSums {
  private let plan: FoldPlan
  private let collective: any Collective
  private let counts: [Int]
  /// (squares, penalty) of the owned blocks.
  private let owned: Arena<Double>
  /// (squares, penalty) of all blocks.
  private let all: Arena<Double>
  private let squares: Arena<Double>
  /// The blocks whose numbers this rank records.
  private let slice: Range<Int>
  private let measuresAll: Bool

  /// - Parameter measuresAll: whether every rank measures all blocks.
  init(_ plan: FoldPlan, measuresAll: Bool, on collective: any Collective) {
    self.plan = plan
    self.collective = collective
    self.measuresAll = measuresAll
    slice = measuresAll ? 0..<plan.blocks.count : plan.blockSlices[collective.rank]
    counts = plan.blockSlices.map { $0.count * 2 * MemoryLayout<Double>.stride }
    owned = Arena(count: slice.count * 2)
    all = Arena(count: plan.blocks.count * 2)
    squares = Arena(count: plan.gradientBlockCount)
  }

  /// Records a block's numbers; those of a block that another rank owns are left to that.
  func set(_ block: Int, squares: Double, penalty: Double) {
    guard slice.contains(block) else { return }
    owned.buffer[(block - slice.lowerBound) * 2] = squares
    owned.buffer[(block - slice.lowerBound) * 2 + 1] = penalty
  }

  /// Gathers all ranks' numbers.
  func gather() throws {
    if measuresAll {
      _ = all.buffer.update(fromContentsOf: owned.buffer)
    } else {
      try collective.allgather(
        UnsafeRawBufferPointer(owned.buffer), counts: counts,
        into: UnsafeMutableRawBufferPointer(all.buffer))
    }
    for block in squares.buffer.indices { squares.buffer[block] = all.buffer[block * 2] }
  }

  /// The sums of squares of the gradient's blocks.
  var gradientSquares: UnsafeBufferPointer<Double> { UnsafeBufferPointer(squares.buffer) }

  /// The penalty of all blocks, added in block order.
  var penalty: Double {
    var sum = 0.0
    for block in 0..<plan.gradientBlockCount { sum += all.buffer[block * 2 + 1] }
    return sum
  }

  /// The Euclidean norm of the gradient: not a number, or infinite, where a value of it is not finite.
  var norm: Double { squares.buffer.reduce(0, +).squareRoot() }

  /// The blocks with a number that is not finite, in order.
  var notFinite: [Int] {
    plan.blocks.indices.filter {
      !all.buffer[$0 * 2].isFinite || !all.buffer[$0 * 2 + 1].isFinite
    }
  }
}
