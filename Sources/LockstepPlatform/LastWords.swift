/// Time for what a rank has written last.
///
/// Some launchers, MPICH's among them, end a job without reading what its ranks wrote just before: neither the
/// rank's that ends the job, nor that of others which fail with it and know more of the reason.
package enum LastWords {
  /// Returns when a launcher has had the time to read.
  package static func passOn() { usleep(100_000) }

  /// Ends this process then.
  package static func end(_ code: Int32) -> Never {
    passOn()
    _exit(code)
  }
}
