import LockstepState
import LockstepEngine
import LockstepTraining

/// A component with one piece of state of each kind.
package final class SmallState {
  package static let layout = FlatLayout([("fc.weight", [3, 2]), ("fc.bias", [3])])
  package let arena = Arena<Float>(count: layout.count)
  package let floats = Arena<Float>(count: 3)
  package let doubles = Arena<Double>(count: 2)
  package let integers = Arena<Int64>(count: 2)

  package init(seed: UInt64 = 0) { fill(seed: seed) }

  /// Values that depend on the seed; padding stays zero.
  package func fill(seed: UInt64) {
    let values = roughValues(20, seed: seed)
    for slot in Self.layout.slots {
      for i in slot.range { arena.buffer[i] = values[i % 17] }
    }
    for i in floats.buffer.indices { floats.buffer[i] = values[i + 3] }
    for i in doubles.buffer.indices { doubles.buffer[i] = Double(values[i]) * 1.1 }
    for i in integers.buffer.indices { integers.buffer[i] = Int64(seed) * 1000 + Int64(i) - 1 }
  }

  package var entries: [StateEntry] {
    [
      StateEntry("parameters", .arena(arena.buffer, Self.layout)),
      StateEntry("history", .floats(floats.buffer)),
      StateEntry("sums", .doubles(doubles.buffer)),
      StateEntry("counters", .integers(integers.buffer)),
    ]
  }

  /// A registry with this component alone.
  package func registry() throws -> StateRegistry {
    let registry = StateRegistry()
    try registry.add(entries, of: self)
    return registry
  }
}
