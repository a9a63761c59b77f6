import LockstepObservation
import LockstepPlatform
import Testing

@Suite struct InterruptionTests {
  /// In a process of its own: the request is the process's, and other tests train at the same time.
  @Test func signalsRaiseTheRequest() async {
    await #expect(processExitsWith: .success) {
      Interruption.install()
      for signal in [SIGTERM, SIGUSR1] {
        #expect(!Interruption.isRequested)
        // To the process, as a batch system does; some thread that does not block it takes it.
        kill(getpid(), signal)
        for _ in 0..<5000 where !Interruption.isRequested { usleep(1000) }
        #expect(Interruption.isRequested)
        Interruption.clear()
      }
      Interruption.request()
      #expect(Interruption.isRequested)
      Interruption.clear()
    }
  }
}
