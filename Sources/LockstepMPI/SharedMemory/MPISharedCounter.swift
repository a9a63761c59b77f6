internal import CMPI
import LockstepPlatform

/// A growing number in a shared window that one rank writes and others wait for, or that several ranks
/// compete to write (``replace(_:with:)``).
///
/// What the writer stored in shared memory before ``advance(to:)`` is visible to a reader that has
/// seen the number (release and acquire). Put each counter into 64 bytes of its own.
package struct MPISharedCounter {
  private let address: UnsafeMutableRawPointer

  /// A counter in 8 bytes of a window, at a multiple of 8; zeroed memory is the number 0.
  ///
  /// - Throws: ``MPIError`` of kind `argument` for another address.
  package init(at address: UnsafeMutableRawPointer) throws(MPIError) {
    guard Int(bitPattern: address) % 8 == 0 else {
      throw argumentError(
        "MPISharedCounter", "address \(address): a counter lies at a multiple of 8 bytes")
    }
    self.address = address
  }

  /// A counter at an address that is known to be a multiple of 8.
  package init(aligned address: UnsafeMutableRawPointer) { self.address = address }

  /// The number now.
  package var value: UInt64 { lockstep_mpi_load_acquire(address) }

  /// Sets the number, by its one writer.
  package func advance(to value: UInt64) { lockstep_mpi_store_release(address, value) }

  /// Sets the number if it is what this rank last saw; whether it was. Of several ranks that try one
  /// succeeds.
  package func replace(_ seen: UInt64, with value: UInt64) -> Bool {
    lockstep_mpi_compare_exchange(address, seen, value) != 0
  }

  /// Waits until the number is at least `value`; at once where it is.
  ///
  /// Spins for some microseconds, then gives the processor away each time it looks, then sleeps
  /// shortly in between, so that waiting ranks do not slow down those that they wait for.
  ///
  /// - Parameters:
  ///   - spins: how often to look before giving the processor away; 0 where ranks share processors.
  ///   - isGivenUp: looked at now and then; true ends the wait.
  /// - Returns: whether the number was reached.
  package func wait(atLeast value: UInt64, spins: Int = 2000, isGivenUp: () -> Bool) -> Bool {
    for _ in 0..<max(spins, 0) {
      if self.value >= value { return true }
      lockstep_mpi_pause()
    }
    var looks = 0
    while self.value < value {
      if isGivenUp() { return false }
      looks += 1
      if looks < 2000 { sched_yield() } else { usleep(50) }
    }
    return true
  }
}
