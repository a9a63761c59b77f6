import LockstepFiles
import LockstepTestSupport
import Testing

#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#endif

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

  @Test("a lock notices that its directory was removed, or became another's")
  func replaced() throws {
    let parent = TemporaryDirectory()
    let directory = parent.file("run")
    let files = SystemFileSystem()
    defer {
      for name in [".lock", "mine"] { unlink("\(directory)/\(name)") }
      removeDirectory(directory)
    }
    try files.createDirectory(directory)
    let lock = try DirectoryLock(directory)
    let held = LockedFileSystem(files, lock)
    try AtomicFile.write("\(directory)/mine", text: "1", fileSystem: held)
    func expectRefusal() {
      let error = #expect(throws: FileError.self) {
        try AtomicFile.write("\(directory)/mine", text: "2", fileSystem: held)
      }
      #expect(error?.kind == .replaced)
      let removal = #expect(throws: FileError.self) { try held.remove("\(directory)/mine") }
      #expect(removal?.kind == .replaced)
    }
    unlink("\(directory)/.lock")
    expectRefusal()
    let other = try DirectoryLock(directory)
    expectRefusal()
    #expect(try FileInput.contents(of: "\(directory)/mine") == Array("1".utf8))
    try other.check()
    rename(directory, directory + "-moved")
    expectRefusal()
    try files.createDirectory(directory)
    expectRefusal()
    #expect(try files.list(directory) == [])
    removeDirectory(directory)
    rename(directory + "-moved", directory)
  }

  @Test("a link in the lock's place is not followed")
  func links() throws {
    let directory = TemporaryDirectory()
    let victim = directory.write(Array("precious".utf8), to: "victim")
    symlink("victim", directory.file(".lock"))
    let error = #expect(throws: FileError.self) { _ = try DirectoryLock(directory.path) }
    #expect(error?.reason.hasPrefix("is a symbolic link") == true)
    unlink(directory.file(".lock"))
    link(victim, directory.file(".lock"))
    _ = try DirectoryLock(directory.path)
    #expect(try FileInput.contents(of: victim) == Array("precious".utf8))
    unlink(directory.file(".lock"))
    mkfifo(directory.file(".lock"), 0o600)
    let fifo = #expect(throws: FileError.self) { _ = try DirectoryLock(directory.path) }
    #expect(fifo?.reason == "is not a regular file; remove it")
  }

  @Test("a missing directory is named")
  func missing() {
    let error = #expect(throws: FileError.self) {
      _ = try DirectoryLock("/nonexistent-directory")
    }
    #expect(
      error?.description == "/nonexistent-directory/.lock: create: No such file or directory")
  }
}
