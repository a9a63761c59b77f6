import LockstepTestSupport

/// Runs `body` with a directory that is removed behind it.
func withTemporaryDirectory(_ body: (String) throws -> Void) rethrows {
  let directory = TemporaryDirectory()
  try withExtendedLifetime(directory) { try body(directory.path) }
}
