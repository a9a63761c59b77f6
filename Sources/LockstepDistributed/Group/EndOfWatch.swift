import LockstepMPI
import LockstepFold
import LockstepObservation
import Synchronization

/// Lets a watchdog watch until MPI is finalized, and watches over that.
final class EndOfWatch: MPISessionObserver {
  private let watchdog: Watchdog
  private let rank: Int
  private let finalizing = Mutex<StartWatch?>(nil)

  init(_ watchdog: Watchdog, rank: Int) {
    self.watchdog = watchdog
    self.rank = rank
  }

  func willFinalize() {
    watchdog.stop()
    let watch = StartWatch("MPI_Finalize", watchdog.patience)
    finalizing.withLock { $0 = watch }
  }

  func didFinalize() {
    finalizing.withLock { $0.take() }?.stop()
    // There is nobody left to throw to.
    try? Fault.reach(.finalized, rank: rank)
    LastWatch(watchdog.patience)?.outlastPeers()
  }
}
