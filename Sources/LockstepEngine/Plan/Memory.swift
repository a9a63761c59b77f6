/// Where a buffer lies. Addresses are bound once a lane, except for the leaf's, which are bound
/// once for each arena that a lane's leaves may be written to.
enum Region: Hashable {
  /// Activations of a lane, placed by lifetime.
  case activations
  /// A lane's inputs and read-outs, which keep their place.
  case ports
  /// The canonical parameters, shared by all lanes.
  case parameters
  /// A direction in parameter space, in the layout of the canonical parameters, shared by all lanes.
  case vector
  /// Parameters in the layouts that primitives want, shared by all lanes.
  case packed
  /// Running statistics, shared by all lanes.
  case statistics
  /// Constants, shared by all lanes.
  case constants
  /// The leaf of the fold that is being written.
  case leaf
  /// The same places, of the sum that gradients are added to, or of the leaf where there is none.
  case sum
}

/// A part of a region: a tensor's values before their address is known.
final class Buffer {
  let region: Region
  let byteCount: Int
  /// The place in the region, in bytes. Activations get theirs once all lifetimes are known.
  var offset: Int
  /// The steps that use the buffer: from the first that writes it to the last that reads it.
  var lifetime: ClosedRange<Int>?
  /// The values that lie here; more than one where a reshape or an in-place result shares it.
  var values: [Graph.ValueID] = []

  init(_ region: Region, byteCount: Int, offset: Int = 0) {
    self.region = region
    self.byteCount = byteCount
    self.offset = offset
  }

  func use(at step: Int) {
    lifetime = lifetime.map { min($0.lowerBound, step)...max($0.upperBound, step) } ?? step...step
  }
}

/// A tensor in a buffer: which layout, and how far in.
struct Memory {
  let buffer: Buffer
  let descriptor: MemoryDescriptor
  /// Bytes from the buffer's start.
  var byteOffset = 0
}

/// A region that grows as buffers are put behind one another, each 64-byte aligned.
struct RegionSize {
  private(set) var byteCount = 0

  mutating func place(_ bytes: Int) -> Int {
    defer { byteCount += (bytes + 63) / 64 * 64 }
    return byteCount
  }
}

/// Places buffers so that those alive at the same time do not overlap: the largest first, each at
/// the lowest offset that is free during its lifetime. Returns the bytes needed.
func placeByLifetime(_ buffers: [Buffer]) -> Int {
  var placed: [Buffer] = []
  var total = 0
  let order = buffers.enumerated().sorted {
    ($1.element.byteCount, $0.offset) < ($0.element.byteCount, $1.offset)
  }
  for (_, buffer) in order {
    guard let life = buffer.lifetime else { continue }
    let rivals = placed.filter { $0.lifetime!.overlaps(life) }.sorted { $0.offset < $1.offset }
    var offset = 0
    for rival in rivals {
      if offset + buffer.byteCount <= rival.offset { break }
      offset = max(offset, (rival.offset + rival.byteCount + 63) / 64 * 64)
    }
    buffer.offset = offset
    placed.append(buffer)
    total = max(total, offset + buffer.byteCount)
  }
  return total
}
