public import LockstepCollective

/// Whether distributed code gives one answer on any number of ranks, and on all of them.
///
/// Ranks are threads of this process (``InProcessGroup``), so that a test needs no launcher and a
/// hang is an error: a rank that fails or leaves ends the group.
///
/// ```swift
/// let difference = try SameBits.difference(ranks: 1...8) { ranks in try train(on: ranks) }
/// #expect(difference == nil)
/// ```
public enum SameBits {
  /// Where an answer differs from rank 0's on the first number of ranks.
  public struct Difference<Answer: Sendable & Equatable>: Sendable, Equatable,
    CustomStringConvertible
  {
    /// The number of ranks of the run.
    public let ranks: Int
    /// The rank whose answer differs.
    public let rank: Int
    /// What was expected.
    public let expected: Answer
    /// What was found.
    public let found: Answer

    public var description: String {
      "rank \(rank) of \(ranks) has \(found), and rank 0 of the first run has \(expected)"
    }
  }

  /// Runs `body` on groups of several sizes and compares all answers.
  ///
  /// - Parameters:
  ///   - ranks: the numbers of ranks, one run each; the first run's rank 0 gives the expected answer.
  ///   - body: what every rank does; fingerprints make good answers.
  /// - Returns: the first difference, by run and rank, or nil where there is none.
  /// - Throws: what `body` throws on the first rank that fails, `InProcessGroupError` where ranks do
  ///   not make the same calls.
  public static func difference<Answer: Sendable & Equatable>(
    ranks: some Sequence<Int>, _ body: @escaping @Sendable (any Collective) throws -> Answer
  ) throws -> Difference<Answer>? {
    var expected: Answer?
    for count in ranks {
      let answers = try InProcessGroup.run(ranks: count, body)
      let wanted = expected ?? answers[0]
      expected = wanted
      if let rank = answers.firstIndex(where: { $0 != wanted }) {
        return Difference(ranks: count, rank: rank, expected: wanted, found: answers[rank])
      }
    }
    return nil
  }
}
