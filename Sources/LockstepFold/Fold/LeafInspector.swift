internal import CLockstepKernels
import LockstepEngine

/// Looks at each shard's leaf between its computation and its addition: plants faults that are asked
/// for, takes out what is not finite where that is the policy, and limits the norm where that is asked for.
///
/// A leaf is looked at whole and by itself, so that what becomes of it depends on no rank or thread.
/// Threads look at different shards.
package final class LeafInspector {
  /// The columns behind the metrics of a shard's record.
  package enum Column: Int, CaseIterable {
    /// 1 for a shard that counts as an empty one.
    case dropped
    /// The number of values that became 0.
    case values
  }

  /// The number of the step, from 1.
  package var step = 0
  /// The records of this rank's shards.
  package var records: ShardRecords?

  private let repair: NonFinitePolicy.Repair?
  private let norms: ShardNorms?
  private let firstColumn: Int
  private let kernels: UnsafePointer<lockstep_arena_kernels>

  /// An inspector, or nil where there is nothing to look for.
  ///
  /// - Parameters:
  ///   - norms: the limit of each leaf's norm; its source gives canonical leaves.
  ///   - metrics: the number of the source's metrics, behind which records have the
  ///     columns of ``Column``.
  package init?(
    _ repair: NonFinitePolicy.Repair?, limiting norms: ShardNorms? = nil, metrics: Int
  ) {
    if repair == nil, norms == nil, !Fault.poisonsShards { return nil }
    self.repair = repair
    self.norms = norms
    firstColumn = metrics
    kernels = InstructionSet.current.arenaKernels
  }

  /// Looks at a leaf.
  ///
  /// - Parameter statistics: where statistics lie in it.
  func inspect(
    _ shard: Int, _ leaf: UnsafeMutableBufferPointer<Float>, statistics: [Range<Int>]
  ) {
    guard let record = records?[known: shard] else { return }
    Fault.poison(shard: shard, step: step, leaf: leaf, record: record)
    if let repair { mend(leaf, statistics, record, by: repair) }
    guard let norms, let base = leaf.baseAddress else { return }
    let gradient = UnsafeMutableBufferPointer(
      start: base, count: statistics.first?.lowerBound ?? leaf.count)
    let squares = kernels.pointee.sum_of_squares(base, gradient.count)
    norms.limit(gradient, squares: squares, record)
  }

  /// Takes out what is not finite.
  private func mend(
    _ leaf: UnsafeMutableBufferPointer<Float>, _ statistics: [Range<Int>], _ record: ShardRecord,
    by repair: NonFinitePolicy.Repair
  ) {
    let hasNumbers = record.loss.isFinite && record.weight.isFinite
    if hasNumbers, isFinite(leaf, 0..<leaf.count) { return }
    let keeps =
      repair == .values && hasNumbers && statistics.allSatisfy { isFinite(leaf, $0) }
    if keeps {
      var count = 0
      for index in leaf.indices where !leaf[index].isFinite {
        leaf[index] = 0
        count += 1
      }
      record[metric: firstColumn + Column.values.rawValue] += Double(count)
    } else {
      leaf.update(repeating: 0)
      record.values.update(repeating: 0)
      record[metric: firstColumn + Column.dropped.rawValue] = 1
    }
  }

  /// Squares of Float32 values do not overflow in Double, so their sum is finite where all are.
  private func isFinite(
    _ leaf: UnsafeMutableBufferPointer<Float>, _ range: Range<Int>
  ) -> Bool {
    guard let base = leaf.baseAddress else { return true }
    return kernels.pointee.sum_of_squares(base + range.lowerBound, range.count).isFinite
  }

  /// Whether a shard of this rank counts as an empty one in the batch at hand.
  package func isTakenOut(_ shard: Int) -> Bool {
    guard repair != nil, let records, records.shards.contains(shard) else { return false }
    return records[known: shard][metric: firstColumn + Column.dropped.rawValue] > 0
  }

  /// What was taken away in the step whose records were gathered last; nil where nothing was.
  package func sanitized(_ scalars: ScalarFold, shards: Int) -> Sanitized? {
    guard repair != nil else { return nil }
    func number(_ record: ShardRecord, _ column: Column) -> Int {
      Int(record[metric: firstColumn + column.rawValue])
    }
    let (dropped, values) = (number(scalars.total, .dropped), number(scalars.total, .values))
    if dropped + values == 0 { return nil }
    let touched = (0..<shards).filter { shard in
      let record = scalars.record(ofShard: shard)
      return number(record, .dropped) + number(record, .values) > 0
    }
    return Sanitized(shards: touched, dropped: dropped, values: values)
  }
}
