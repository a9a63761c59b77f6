import LockstepEngine

/// The blocks of each slot.
func slotBlocks(_ blocks: [Block], slots: Int) -> [Range<Int>] {
  var result: [Range<Int>] = []
  var next = 0
  for slot in 0..<slots {
    let start = next
    while next < blocks.count, blocks[next].slot == slot { next += 1 }
    result.append(start..<next)
  }
  return result
}

/// The state of a chain, under names of its own.
func stateEntries(of transforms: [any InspectedTransform]) -> [StateEntry] {
  // A name that occurs twice in a chain gets the number of its transform.
  let all = transforms.flatMap { $0.state.map(\.name) }
  return transforms.enumerated().flatMap { index, transform in
    transform.state.map { entry in
      let isUnique = all.count { $0 == entry.name } == 1
      return entry.named(
        isUnique ? "optimizer.\(entry.name)" : "optimizer.\(index).\(entry.name)")
    }
  }
}

extension Chain {
  /// The reduction on plateaus that the chain's schedules hold.
  func plateau() throws -> ReduceOnPlateau? {
    let plateaus = transforms.flatMap(\.schedules).compactMap(\.plateau)
    if let first = plateaus.first, plateaus.contains(where: { $0 != first }) {
      throw HyperparameterError(
        owner: "chain", key: "schedule", value: "reduceOnPlateau",
        problem: "must be the same wherever the chain has it")
    }
    return plateaus.first
  }
}
