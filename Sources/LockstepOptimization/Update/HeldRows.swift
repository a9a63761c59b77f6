import LockstepEngine

/// Rows of tables that never move, whatever an update makes of them: those of padding.
///
/// Such a row gets no gradient. Noise, a box that has no 0 in it, and decay act on it nonetheless, and so a
/// step puts the row back.
struct HeldRows {
  /// The values of each slot's row that this process updates; empty where there is none.
  private let ranges: [Range<Int>]
  private let kept: Arena<Float>
  private let width: Int

  /// - Parameter owned: the indices of the values that this process updates.
  init(_ layout: FlatLayout, owned: Range<Int>) {
    ranges = layout.slots.map { slot in
      guard case .table(let row?) = slot.role, slot.shape.count == 2 else { return 0..<0 }
      let start = slot.offset + row * slot.unitSize
      return (start..<start + slot.unitSize).clamped(to: owned)
    }
    width = ranges.map(\.count).max() ?? 0
    kept = Arena(count: width * ranges.count)
  }

  /// Keeps the rows as they are before an update.
  func keep(_ parameters: UnsafePointer<Float>) {
    if width == 0 { return }
    for (slot, range) in ranges.enumerated() where !range.isEmpty {
      (kept.base + slot * width).update(from: parameters + range.lowerBound, count: range.count)
    }
  }

  /// Puts what lies in a range of a slot back.
  func putBack(_ parameters: UnsafeMutablePointer<Float>, slot: Int, _ range: Range<Int>) {
    if width == 0 { return }
    let part = ranges[slot].clamped(to: range)
    guard !part.isEmpty else { return }
    let start = slot * width + part.lowerBound - ranges[slot].lowerBound
    (parameters + part.lowerBound).update(from: kept.base + start, count: part.count)
  }

  /// Puts all rows back.
  func putBack(_ parameters: UnsafeMutablePointer<Float>) {
    for (slot, range) in ranges.enumerated() { putBack(parameters, slot: slot, range) }
  }
}
