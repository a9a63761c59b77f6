import LockstepFold
import LockstepEngine
import LockstepTraining

/// Gradients of many sizes, from example numbers and parameters alone: units larger than a block,
/// so that slices are cut inside units, small ones, vectors, single values, and a statistic.
package final class WideSource: GradientSource {
  package static let trainable = FlatLayout([
    ("a", [3, 5000]), ("b", [40, 300]), ("c", [7]), ("d", [6, 5]), ("e", [1]), ("f", [2, 4200]),
  ])
  package let layout = FlatLayout(
    trainable.slots.map { ($0.name, $0.shape) } + [("mean", [9])])
  package let gradientSlotCount = trainable.slots.count
  package let metricNames: [String] = []
  private let values = Arena<Float>(count: trainable.count)
  private let running = Arena<Float>(count: 9)

  /// A constraint for each tensor: norms of units over several blocks, over strided units, boxes.
  package static let constraints: [WeightConstraint?] = [
    .maxNorm(2), WeightConstraint.maxNorm(1, axes: .axes([0])), .nonNegative,
    .unitNorm(), nil, .maxNorm(3),
  ]

  package init() {
    for slot in Self.trainable.slots {
      for (index, value) in zip(slot.range, roughValues(slot.count, seed: UInt64(slot.offset))) {
        values.buffer[index] = value / 16
      }
    }
  }

  public var parameters: UnsafeMutableBufferPointer<Float> { values.buffer }
  public var stateEntries: [StateEntry] {
    [
      StateEntry("parameters", .arena(values.buffer, Self.trainable)),
      StateEntry("running", .floats(running.buffer)),
    ]
  }

  package func computeShard(
    _ shard: Int, of batch: StepBatch, into leaf: UnsafeMutableBufferPointer<Float>,
    record: ShardRecord
  ) throws {
    for slot in layout.slots { for i in slot.range { leaf[i] = 0 } }
    for number in batch.examples(at: batch.positions(ofShard: shard)) {
      var state = UInt32(truncatingIfNeeded: number) &* 2_654_435_761 &+ 12345
      for slot in layout.slots {
        for i in slot.range {
          state = state &* 1_664_525 &+ 1_013_904_223
          let noise = Float(Int32(bitPattern: state)) * 0x1p-31
          leaf[i] += i < values.count ? noise + 0.25 * values.buffer[i] : noise
        }
      }
      record.loss += Double(values.buffer[number % 5000]) + 2
      record.weight += 1
      record.examples += 1
    }
  }

  package func commitStatistics(_ folded: UnsafeBufferPointer<Float>) {
    let slot = layout.slots[gradientSlotCount]
    for i in 0..<9 { running.buffer[i] = 0.9 * running.buffer[i] + 0.1 * folded[slot.offset + i] }
  }
}
