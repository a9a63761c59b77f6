#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#endif

/// Asks this process alone to stop after some seconds, as a batch system would.
func terminate(after seconds: Int) {
  var thread = pthread_t()
  pthread_create(
    &thread, nil,
    { seconds in
      sleep(UInt32(UInt(bitPattern: seconds)))
      kill(getpid(), SIGTERM)
      return nil
    }, UnsafeMutableRawPointer(bitPattern: seconds))
}
