import LockstepEngine

// What an update makes sure of before it changes anything.

extension UpdateRule {
  /// Whether a clip has a threshold that somebody chose.
  package var hasFixedClip: Bool { transforms.contains { $0.isClip && !$0.followsHistory } }

  func checkLength(_ what: String, _ count: Int) throws {
    guard count == layout.count else {
      throw UpdateError.wrongLength(what, expected: layout.count, found: count)
    }
  }

  /// Throws where a part of the blocks cannot be updated with what there is.
  func checkParts(canGather: Bool, measuresClip: Bool) throws {
    if !canGather, passes.count > 1 || projection.hasRuns || measuresClip {
      throw UpdateError.needsGather
    }
    if matrixExchange == nil, passes.contains(where: { $0.matrices != nil }) {
      throw UpdateError.needsMatrices
    }
  }

  /// Whether the groups cover all blocks.
  func check(_ groups: [Range<Int>]) throws -> Bool {
    var count = 0
    for (index, group) in groups.enumerated() {
      let overlaps = groups[..<index].contains { $0.overlaps(group) }
      if overlaps || group.lowerBound < owned.lowerBound || group.upperBound > owned.upperBound {
        throw UpdateError.badBlocks(groups)
      }
      count += group.count
    }
    return count == blocks.count
  }
}
