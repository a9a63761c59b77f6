/// An exchange whose ranks read each other's partial sums where they lie, and write to one folded arena
/// that all of them see.
package protocol InPlaceExchange: GradientExchange {
  /// Returns when all ranks have come here; what they wrote before is visible then.
  func meet() throws

  /// Adds the partials of some of this rank's blocks, and visits each; see
  /// ``GradientExchange/combine(_:)``. Only behind ``meet()``.
  func add(_ blocks: Range<Int>, _ visit: (Int) throws -> Void) throws

  /// Runs what only this rank does; where it throws, the others' meetings throw too.
  func alone(_ body: () throws -> Void) throws
}
