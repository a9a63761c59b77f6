internal import CMPI

/// Counts or displacements as MPI takes them, at an address that stays while a call is pending.
final class CountArray {
  let values: UnsafeMutablePointer<Int32>

  init(_ counts: [Int32]) {
    values = .allocate(capacity: max(counts.count, 1))
    values.initialize(from: counts, count: counts.count)
  }

  deinit { values.deallocate() }
}

/// How a buffer is cut into one part for each rank.
struct Parts {
  let counts: CountArray
  let displacements: CountArray
  let total: Int
  /// The end of the part that reaches furthest.
  let reach: Int
}

/// The latest cuts of buffers that a communicator has checked, so that a call that is made over and
/// over allocates nothing.
struct PartsCache {
  private struct Entry {
    let counts: [Int]
    let displacements: [Int]?
    let isDisjoint: Bool
    let parts: Parts
  }

  private var entries: [Entry] = []
  private var oldest = 0
  private static let limit = 8

  /// The parts of a cut, where it is known and fits the buffer.
  func parts(
    _ counts: [Int], _ displacements: [Int]?, bufferCount: Int, disjoint: Bool
  ) -> Parts? {
    for entry in entries
    where entry.counts == counts && entry.displacements == displacements
      && (entry.isDisjoint || !disjoint) && entry.parts.reach <= bufferCount
    {
      return entry.parts
    }
    return nil
  }

  mutating func insert(_ counts: [Int], _ displacements: [Int]?, disjoint: Bool, _ parts: Parts) {
    // Copies of its own: a caller that shares its array would copy it at its next change.
    let entry = Entry(
      counts: counts.map { $0 }, displacements: displacements.map { $0.map { $0 } },
      isDisjoint: disjoint, parts: parts)
    if entries.count < Self.limit {
      entries.append(entry)
    } else {
      entries[oldest] = entry
      oldest = (oldest + 1) % Self.limit
    }
  }
}
