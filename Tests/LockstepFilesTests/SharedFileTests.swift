import LockstepFiles
import LockstepPlatform
import LockstepTestSupport
import Testing

/// A file that several ask for is made once, and whoever waits finds it.
@Suite struct SharedFileTests {
  private struct Failure: Error {}

  @Test func itIsMadeOnce() throws {
    let directory = TemporaryDirectory()
    let path = directory.file("shared")
    try SharedFile.make(path) { output in try output.append("first") }
    try SharedFile.make(path) { output in try output.append("second") }
    #expect(try FileInput.contents(of: path) == Array("first".utf8))
    #expect(try SystemFileSystem().list(directory.path) == ["shared"])
  }

  @Test func whatFailsLeavesNothing() throws {
    let directory = TemporaryDirectory()
    let path = directory.file("shared")
    #expect(throws: Failure.self) {
      try SharedFile.make(path) { output in
        try output.append("half")
        throw Failure()
      }
    }
    #expect(try SystemFileSystem().list(directory.path) == [])
    try SharedFile.make(path) { output in try output.append("whole") }
    #expect(try FileInput.contents(of: path) == Array("whole".utf8))
  }

  @Test func othersWaitForTheOneThatWrites() async throws {
    let directory = TemporaryDirectory()
    let path = directory.file("shared")
    let writers = await withTaskGroup(of: Int.self) { group in
      for _ in 0..<4 {
        group.addTask {
          var written = 0
          try? SharedFile.make(path) { output in
            written += 1
            usleep(50_000)
            try output.append("all")
          }
          return written
        }
      }
      return await group.reduce(0, +)
    }
    #expect(writers == 1)
    #expect(try FileInput.contents(of: path) == Array("all".utf8))
  }

  @Test func aStampTellsChangedFilesApart() throws {
    let directory = TemporaryDirectory()
    let path = directory.write([1, 2, 3])
    let stamp = try FileStamp(path)
    #expect(try FileStamp(path) == stamp)
    usleep(20_000)
    _ = directory.write([1, 2, 4])
    #expect(try FileStamp(path) != stamp)
    #expect(throws: FileError.self) { try FileStamp(directory.file("none")) }
  }
}
