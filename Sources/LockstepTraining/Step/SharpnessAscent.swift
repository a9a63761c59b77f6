import LockstepCollective
import LockstepEngine
import LockstepFold
import LockstepOptimization

/// The way from the parameters to where the loss is largest near them (``SharpnessAware``), and what a step
/// keeps of the place where it began.
///
/// Loss, metrics and statistics are those of the parameters; the gradient alone is that of the other place.
final class SharpnessAscent {
  private let rule: SharpnessAware
  private let plan: FoldPlan
  /// Sums of (wg)², where the way depends on the weights.
  private let sums: BlockSums
  private let blocks: Range<Int>
  private let statistics: Range<Int>
  private let keptStatistics: Arena<Float>
  private var record: Arena<Double>
  private var penalty = 0.0
  private var isKept = false

  /// - Parameters:
  ///   - measuresAll: whether every rank measures all blocks.
  ///   - width: the columns of a shard's record.
  init(
    _ rule: SharpnessAware, _ plan: FoldPlan, measuresAll: Bool, width: Int,
    on collective: any Collective
  ) throws {
    try rule.validate()
    self.rule = rule
    self.plan = plan
    sums = BlockSums(plan, measuresAll: measuresAll, on: collective)
    blocks = measuresAll ? 0..<plan.blocks.count : plan.blockSlices[collective.rank]
    let slots = plan.layout.slots
    statistics =
      plan.gradientSlotCount == slots.count
      ? 0..<0 : slots[plan.gradientSlotCount].offset..<plan.layout.count
    keptStatistics = Arena(count: statistics.count)
    record = Arena(count: width)
  }

  // MARK: The way

  /// What the direction is multiplied by. Called by all ranks.
  ///
  /// - Parameter norm: that of the gradient, which is valid where this rank measures it.
  func scale(
    _ gradient: UnsafeBufferPointer<Float>, _ parameters: UnsafePointer<Float>, norm: Double
  ) throws -> Double {
    var norm = norm
    if rule.isAdaptive {
      for index in blocks where index < plan.gradientBlockCount {
        let block = plan.blocks[index]
        var sum = 0.0
        for i in block.range {
          let value = Double(parameters[i]) * Double(gradient[i])
          sum += value * value
        }
        sums.set(index, squares: sum, penalty: 0)
      }
      try sums.gather()
      norm = sums.norm
    }
    // The authors' 1e-12 keeps a gradient of zeros from being divided by its norm.
    return rule.radius / (norm + 1e-12)
  }

  /// Moves parameters the way of the gradient there.
  func move(
    _ parameters: UnsafeMutablePointer<Float>, _ gradient: UnsafeBufferPointer<Float>,
    _ range: Range<Int>, scale: Double
  ) {
    let scale = Float(scale)
    for i in range {
      let weight = parameters[i]
      let direction = rule.isAdaptive ? weight * weight * gradient[i] : gradient[i]
      parameters[i] = weight + scale * direction
    }
  }

  // MARK: What is kept

  /// Forgets what was kept of the step before.
  func begin() { isKept = false }

  /// Keeps the batch's numbers and statistics at the parameters.
  func keep(
    _ total: ShardRecord, penalty: Double, _ folded: UnsafeMutableBufferPointer<Float>
  ) {
    _ = record.buffer.update(fromContentsOf: total.values)
    self.penalty = penalty
    if let base = folded.baseAddress {
      keptStatistics.base.update(from: base + statistics.lowerBound, count: statistics.count)
    }
    isKept = true
  }

  /// The numbers that were kept, and the penalty among them; nil where none were.
  var kept: (total: ShardRecord, penalty: Double)? {
    isKept ? (ShardRecord(values: record.buffer), penalty) : nil
  }

  /// Puts the statistics that were kept in the place of others.
  func putStatistics(into folded: UnsafeMutableBufferPointer<Float>) {
    guard isKept, let base = folded.baseAddress else { return }
    (base + statistics.lowerBound).update(from: keptStatistics.base, count: statistics.count)
  }
}
