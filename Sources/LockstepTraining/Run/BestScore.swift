import LockstepCollective

/// The highest score of a run's evaluations, which is that of its best checkpoint.
struct BestScore {
  private var score = -Double.infinity

  /// Tells all ranks the score that an evaluation must beat. Called by all ranks.
  ///
  /// - Parameter saved: on the root, the score of the best checkpoint; nil where there is none.
  mutating func agree(on collective: any Collective, saved: () throws -> Double?) throws {
    let bits = try collective.fromRoot {
      withUnsafeBytes(of: try (saved() ?? -.infinity).bitPattern) { Array($0) }
    }
    score = bits.withUnsafeBytes { Double(bitPattern: $0.loadUnaligned(as: UInt64.self)) }
  }

  /// Whether a score is the best one so far.
  ///
  /// - Parameter counts: whether one that is equal to the best takes its place.
  func isReached(by other: Double?, equalled counts: Bool) -> Bool {
    other.map { $0 > score || counts && $0 == score } ?? false
  }

  mutating func note(_ other: Double) { score = other }
}
