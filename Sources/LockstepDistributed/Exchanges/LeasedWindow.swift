import LockstepMPI

/// A window and whether its exchange is alive. Freeing takes all ranks, so an exchange that goes
/// only says that it is gone.
final class LeasedWindow {
  let window: MPISharedWindow
  var isUsed = true

  init(_ window: MPISharedWindow) { self.window = window }
}

/// Says that a window's memory is in use for as long as it lives.
final class WindowUse {
  private let lease: LeasedWindow
  init(_ lease: LeasedWindow) { self.lease = lease }
  deinit { lease.isUsed = false }
}
