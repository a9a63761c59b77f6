import LockstepEngine

/// What all learning rates of a chain are multiplied by, behind schedules and plateaus.
final class LearningRateFactor {
  /// Whether the chain has a learning rate.
  let isUsed: Bool
  private let arena = Arena<Double>(count: 1)

  init(of chain: Chain) {
    isUsed = chain.transforms.contains { !$0.schedules.isEmpty }
    arena.base[0] = 1
  }

  /// The factor; 1 at first.
  var value: Double {
    get { arena.base[0] }
    set { arena.base[0] = newValue }
  }

  var state: StateEntry { StateEntry("optimizer.learningRateFactor", .doubles(arena.buffer)) }
}
