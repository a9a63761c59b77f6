import LockstepEngine

/// Examples that may share a batch: sequences of one padded length.
package struct ExampleGroups: Sendable {
  private let groups: [[Int]]

  /// - Parameter groups: the examples of each group.
  init(_ groups: [[Int]]) { self.groups = groups }

  /// The numbers of examples of the groups.
  var sizes: [Int] { groups.map(\.count) }

  /// The number of batches in an epoch.
  func batchCount(_ batchSize: Int, dropLast: Bool) -> Int {
    sizes.reduce(0) { $0 + (dropLast ? $1 / batchSize : ($1 + batchSize - 1) / batchSize) }
  }

  /// The sizes that batches have, larger ones first.
  func batchSizes(_ batchSize: Int, dropLast: Bool) -> [Int] {
    var found: Set<Int> = []
    for size in sizes {
      if size >= batchSize { found.insert(batchSize) }
      if !dropLast, size % batchSize > 0 { found.insert(size % batchSize) }
    }
    return found.sorted(by: >)
  }

  /// The examples of an epoch, batch by batch: each group is shuffled and cut into batches, and then these
  /// are shuffled. It follows from the seed and the epoch alone.
  func order(
    seed: UInt64, epoch: Int, _ batchSize: Int, shuffle: Bool, dropLast: Bool
  ) -> EpochOrder {
    var generator = CounterGenerator(
      seed: seed, .shuffling, index: UInt32(truncatingIfNeeded: epoch))
    var batches: [ArraySlice<Int>] = []
    for members in groups {
      var members = members
      if shuffle { generator.shuffle(&members) }
      for start in stride(from: 0, to: members.count, by: batchSize) {
        let batch = members[start..<min(start + batchSize, members.count)]
        if batch.count == batchSize || !dropLast { batches.append(batch) }
      }
    }
    if shuffle { generator.shuffle(&batches) }
    return EpochOrder(
      epoch: epoch, order: batches.flatMap { $0 },
      starts: batches.reduce(into: [0]) { $0.append($0[$0.count - 1] + $1.count) })
  }
}
