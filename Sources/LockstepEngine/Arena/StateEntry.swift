/// A named piece of state that must survive a checkpoint and be equal on all ranks: a buffer whose
/// address and size never change while a run lasts.
///
/// Components expose their state as entries; the registry of a run saves, restores, hashes and
/// compares entries and knows nothing else about the components.
public struct StateEntry {
  /// The buffer.
  package enum Storage {
    /// A flat arena of Float32 tensors; each slot is saved as a tensor of its own.
    case arena(UnsafeMutableBufferPointer<Float>, FlatLayout)
    /// Plain Float32 values.
    case floats(UnsafeMutableBufferPointer<Float>)
    /// Plain Float64 values.
    case doubles(UnsafeMutableBufferPointer<Double>)
    /// Plain 64-bit integers, counters among them.
    case integers(UnsafeMutableBufferPointer<Int64>)
  }

  /// The dotted name, unique in a run: `optimizer.firstMoment`.
  package let name: String
  /// Where the values lie.
  package let storage: Storage
  /// The indices of an arena that this rank holds, where other ranks hold the rest; nil for a whole
  /// arena and for plain buffers. The buffer has these values alone.
  package let held: Range<Int>?
  /// Whether the buffer is one for all ranks, in memory that they share.
  package let isShared: Bool

  /// An entry; `holding` is for a part of an arena, `shared` for memory that ranks share.
  package init(
    _ name: String, _ storage: Storage, holding held: Range<Int>? = nil, shared: Bool = false
  ) {
    self.name = name
    self.storage = storage
    self.held = held
    isShared = shared
  }

  /// Plain Float32 values, all of an arena's. Whoever makes the entry keeps the arena.
  package init(_ name: String, _ arena: Arena<Float>) { self.init(name, .floats(arena.buffer)) }

  /// Plain Float64 values, all of an arena's. Whoever makes the entry keeps the arena.
  package init(_ name: String, _ arena: Arena<Double>) { self.init(name, .doubles(arena.buffer)) }

  /// Plain 64-bit integers, all of an arena's. Whoever makes the entry keeps the arena.
  package init(_ name: String, _ arena: Arena<Int64>) { self.init(name, .integers(arena.buffer)) }

  /// The same values under another name.
  package func named(_ name: String) -> StateEntry {
    StateEntry(name, storage, holding: held, shared: isShared)
  }
}
