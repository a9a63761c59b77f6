import LockstepEngine

/// When slots begin to move, where not all do from the first step on.
///
/// Slots that begin late are passed over until then: no transform sees them, nothing decays, nothing is
/// constrained. From then on their state starts as that of all did in the first update: what transforms count
/// are the updates since.
final class SlotStarts {
  /// The number of steps before the first that moves each slot; empty where all move.
  private let steps: [Int]
  /// The different numbers of steps, 0 first.
  private let moments: [Int]
  /// The number of updates that were made before the slots of each moment moved; −1 before.
  private let updates: Arena<Int64>
  /// The numbers of the moments that are past, the first one last.
  private(set) var moving = [0]
  /// What a checkpoint must hold.
  let state: [StateEntry]

  /// - Throws: ``HyperparameterError`` where a transform keeps numbers for all tensors in common.
  init(_ steps: [Int], of transforms: [any InspectedTransform]) throws {
    moments = [0] + Set(steps).subtracting([0]).sorted()
    self.steps = moments.count == 1 ? [] : steps
    updates = Arena(count: moments.count)
    updates.buffer.update(repeating: -1)
    updates.base[0] = 0
    guard moments.count > 1 else {
      state = []
      return
    }
    moving.reserveCapacity(moments.count)
    state = [StateEntry("optimizer.updatesBeforeMoving", .integers(updates.buffer))]
    if let shared = transforms.lazy.compactMap(\.sharedState).first {
      throw HyperparameterError(
        owner: "unfreezing", key: "optimizer", value: shared,
        problem: "holds for all parameters together, and cannot begin anew for some of them: take "
          + "another optimizer or clip, or two runs joined by initial weights")
    }
  }

  /// Whether all slots began with the first step.
  var areAlike: Bool { moments.count == 1 }

  /// Starts an update.
  func begin(step: Int, updates count: Int) {
    if areAlike { return }
    moving.removeAll(keepingCapacity: true)
    for moment in moments.indices.reversed() where moments[moment] <= step {
      moving.append(moment)
      if updates.base[moment] < 0 { updates.base[moment] = Int64(count) }
    }
  }

  /// The number of updates that were made before the slots of a moment moved.
  func updatesBefore(_ moment: Int) -> Int { Int(updates.base[moment]) }

  /// The number of the moment that a slot begins to move at.
  func start(of slot: Int) -> Int {
    steps.isEmpty ? 0 : moments.firstIndex(of: steps[slot]) ?? 0
  }

  /// Whether a slot moves in this update.
  func isMoving(_ slot: Int) -> Bool { steps.isEmpty || moving.contains(start(of: slot)) }
}
