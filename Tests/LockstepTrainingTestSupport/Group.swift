import LockstepCollective
import LockstepFold
import LockstepEngine
import LockstepTraining

/// Runs `body` on a group of one for one rank and on threads for more.
package func group<Result: Sendable>(
  of ranks: Int, _ body: @escaping @Sendable (any Collective) throws -> Result
) throws -> [Result] {
  ranks == 1 ? [try body(SoloCollective())] : try InProcessGroup.run(ranks: ranks, body)
}

/// The bit patterns of values, which also tell zeros and NaNs apart.
package func bits(_ values: some Sequence<Float>) -> [UInt32] { values.map(\.bitPattern) }

extension Arena {
  /// A copy, taken while the arena is certainly alive.
  package var values: [Element] { withExtendedLifetime(self) { Array(buffer) } }
}

extension GradientExchange {
  /// A copy of the folded arena, taken while the exchange is certainly alive.
  package var foldedValues: [Float] { withExtendedLifetime(self) { Array(folded) } }
}
