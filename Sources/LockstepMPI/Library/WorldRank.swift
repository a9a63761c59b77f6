internal import Synchronization

/// This process's rank in the world, which errors name.
enum WorldRank {
  /// The rank; nil before a session knows it.
  static var known: Int? {
    let value = stored.load(ordering: .relaxed)
    return value < 0 ? nil : value
  }

  static func remember(_ rank: Int) { stored.store(rank, ordering: .relaxed) }

  private static let stored = Atomic<Int>(-1)
}
