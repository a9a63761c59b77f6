import LockstepFold
import LockstepEngine
import LockstepTraining

/// Weighted least squares, y = W x + b, with a running mean of the features as its statistics.
///
/// loss = Σ wᵢ ½‖W xᵢ + b − tᵢ‖², metric = Σ |W xᵢ + b − tᵢ|₁. Every example has data of its own.
package final class LinearRegression: GradientSource {
  package struct Trouble: Error, Equatable {
    package let shard: Int
    package init(shard: Int) { self.shard = shard }
  }

  package static let inputs = 5
  package static let outputs = 3

  package let layout = FlatLayout([
    ("weight", [outputs, inputs]), ("bias", [outputs]), ("featureMean", [inputs]),
  ])
  package let gradientSlotCount = 2
  package let metricNames = ["absoluteError"]
  private let parameterLayout = FlatLayout([("weight", [outputs, inputs]), ("bias", [outputs])])
  private let parameterArena: Arena<Float>
  private let running = Arena<Float>(count: inputs)

  package var parameters: UnsafeMutableBufferPointer<Float> { parameterArena.buffer }
  /// Copies, taken while the arenas are certainly alive.
  package var parameterValues: [Float] {
    withExtendedLifetime(self) { Array(parameterArena.buffer) }
  }
  package var runningMean: [Float] { withExtendedLifetime(self) { Array(running.buffer) } }
  package var stateEntries: [StateEntry] {
    [
      StateEntry("parameters", .arena(parameterArena.buffer, parameterLayout)),
      StateEntry("runningMean", .floats(running.buffer)),
    ]
  }

  /// Changes a leaf after it was computed, to plant faults.
  package var tamper: (Leaf) throws -> Void = { _ in }

  /// A leaf that was just computed.
  package struct Leaf {
    package let shard: Int
    package let values: UnsafeMutableBufferPointer<Float>
    package let record: ShardRecord
  }

  package init() {
    parameterArena = Arena(count: parameterLayout.count)
    for slot in parameterLayout.slots {
      for (offset, value) in roughValues(slot.count, seed: UInt64(slot.offset + 77)).enumerated() {
        parameterArena.buffer[slot.offset + offset] = value * 0.1
      }
    }
  }

  /// Features, targets and weight of an example, from its number alone.
  package static func example(_ number: Int) -> (x: [Float], t: [Float], weight: Float) {
    let values = roughValues(inputs + outputs, seed: UInt64(number) + 5)
    return (
      Array(values[..<inputs]).map { $0 / 16 }, Array(values[inputs...]).map { $0 / 16 },
      Float(1 + number % 4)
    )
  }

  package func computeShard(
    _ shard: Int, of batch: StepBatch, into leaf: UnsafeMutableBufferPointer<Float>,
    record: ShardRecord
  ) throws {
    let (weight, bias, mean) = (layout.slots[0], layout.slots[1], layout.slots[2])
    for slot in layout.slots { for i in slot.range { leaf[i] = 0 } }
    for microBatch in 0..<batch.microBatches {
      let positions = batch.positions(ofShard: shard, microBatch: microBatch)
      for number in batch.examples(at: positions) {
        let (x, t, w) = Self.example(number)
        let error = residual(x, t)
        for (o, e) in error.enumerated() {
          for (i, value) in x.enumerated() {
            leaf[weight.offset + o * Self.inputs + i] += w * e * value
          }
          leaf[bias.offset + o] += w * e
          record.loss += Double(w * 0.5 * e * e)
          record[metric: 0] += Double(abs(e))
        }
        for (i, value) in x.enumerated() { leaf[mean.offset + i] += value }
        record.weight += Double(w)
        record.examples += 1
      }
    }
    try tamper(Leaf(shard: shard, values: leaf, record: record))
  }

  package func residual(_ x: [Float], _ t: [Float]) -> [Float] {
    let (weight, bias) = (parameterLayout.slots[0], parameterLayout.slots[1])
    return t.indices.map { o in
      var sum = parameters[bias.offset + o]
      for i in x.indices { sum += parameters[weight.offset + o * Self.inputs + i] * x[i] }
      return sum - t[o]
    }
  }

  package func commitStatistics(_ folded: UnsafeBufferPointer<Float>) {
    let mean = layout.slots[2]
    for i in running.buffer.indices {
      running.buffer[i] = 0.9 * running.buffer[i] + 0.1 * folded[mean.offset + i]
    }
  }
}
