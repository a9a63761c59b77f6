import LockstepFiles
import LockstepTestSupport
import Testing

@Suite struct DirectoryLockTests {
  @Test("one holder at a time; the next one after it has gone; the holder is named")
  func exclusive() throws {
    let directory = TemporaryDirectory()
    func takeAndRelease() throws { _ = try DirectoryLock(directory.path) }
    do {
      let lock = try DirectoryLock(directory.path)
      let error = #expect(throws: FileError.self) { try takeAndRelease() }
      #expect(error?.path == directory.path)
      #expect(error?.reason.hasPrefix("is in use by process ") == true)
      #expect(error?.kind == .mismatch)
      _ = consume lock
    }
    try takeAndRelease()
    try takeAndRelease()
  }

  @Test("a missing directory is named")
  func missing() {
    let error = #expect(throws: FileError.self) {
      _ = try DirectoryLock("/nonexistent-directory")
    }
    #expect(
      error?.description == "/nonexistent-directory/.lock: open: No such file or directory")
  }
}
