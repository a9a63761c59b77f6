import LockstepObservation

extension Collective {
  /// Whether any rank was asked to stop, the same on all ranks. Called by all ranks.
  package func isInterrupted(
    _ mine: Bool = Interruption.isRequested
  ) throws -> Bool {
    size == 1 ? mine : try allgather(UInt8(mine ? 1 : 0)).contains(1)
  }

  /// Throws ``InterruptedError`` on all ranks where any was asked to stop. Called by all ranks, where
  /// nothing has been done yet that would have to be saved.
  package func endIfInterrupted() throws {
    if try isInterrupted() { throw InterruptedError() }
  }
}

/// The run was asked to stop before its first step.
package struct InterruptedError: Error, Equatable, CustomStringConvertible {
  /// The error; it has no parts.
  package init() {}
  package var description: String { "asked to stop before the first step; start it again" }
}
