import LockstepObservation
import LockstepFiles
import LockstepTraining
import LockstepTrainingTestSupport
import Synchronization
import Testing

@Suite struct OutcomeFileTests {
  /// Files of a disk that becomes full.
  final class FullDisk: FileSystem {
    let isFull = Atomic<Bool>(false)
    private let files = SystemFileSystem()

    func create(_ path: String) throws(FileError) -> Int32 {
      if isFull.load(ordering: .relaxed) {
        throw FileError(
          path: path, kind: .system(call: "write", code: 28), reason: "write: no space")
      }
      return try files.create(path)
    }
    func write(
      _ bytes: UnsafeRawBufferPointer, to descriptor: Int32, path: String
    ) throws(FileError) { try files.write(bytes, to: descriptor, path: path) }
    func synchronize(_ descriptor: Int32, path: String) throws(FileError) {}
    func close(_ descriptor: Int32, path: String) throws(FileError) {
      try files.close(descriptor, path: path)
    }
    func rename(_ path: String, to newPath: String) throws(FileError) {
      try files.rename(path, to: newPath)
    }
    func synchronizeDirectory(_ path: String) throws(FileError) {}
    func remove(_ path: String) throws(FileError) { try files.remove(path) }
    func createDirectory(_ path: String) throws(FileError) { try files.createDirectory(path) }
    func list(_ directory: String) throws(FileError) -> [String] { try files.list(directory) }
  }

  static func kind(_ directory: String) throws -> JSONValue? {
    try JSONValue.read("\(directory)/outcome.json")["outcome"]
  }

  @Test func aFullDiskIsToldOfInTheFileThatIsThere() throws {
    try withTemporaryDirectory { directory in
      let disk = FullDisk()
      let file = OutcomeFile(directory, isOwner: true, fileSystem: disk)
      try file.write(Outcome(.running, step: 0))
      disk.isFull.store(true, ordering: .relaxed)
      // Longer than what is there.
      let message = "the disk is full " + String(repeating: "\"\\é", count: 3000)
      try file.write(Outcome(.failed, step: 7, message: message))
      let document = try JSONValue.read(file.path)
      #expect(document["outcome"] == "failed" && document["step"] == 7)
      guard case .string(let kept)? = document["message"] else {
        Issue.record("no message")
        return
      }
      #expect(kept.hasPrefix("the disk is full ") && kept.hasSuffix("…"))
      // That a run goes on is not worth a broken file.
      #expect(throws: FileError.self) { try file.write(Outcome(.running, step: 8)) }
    }
  }

  @Test func whatWasSettledStays() throws {
    try withTemporaryDirectory { directory in
      let file = OutcomeFile(directory, isOwner: true)
      // Another run's outcome is nobody's before this run has begun.
      file.settle(Outcome(.failed, step: 1, message: "early"))
      #expect(throws: FileError.self) { try Self.kind(directory) }
      try file.write(Outcome(.running, step: 0))
      file.note(Outcome(.interrupted, step: 3, message: "perhaps"))
      #expect(try Self.kind(directory) == "interrupted")
      file.settle(Outcome(.failed, step: 3, message: "found out"))
      #expect(try Self.kind(directory) == "failed")
      file.settle(Outcome(.interrupted, step: 3))
      file.note(Outcome(.interrupted, step: 3))
      #expect(try Self.kind(directory) == "failed")
    }
  }

  @Test func anotherRankWritesInPlaceOfOneThatCannot() throws {
    try withTemporaryDirectory { directory in
      let owner = OutcomeFile(directory, isOwner: true)
      let other = OutcomeFile(directory, isOwner: false)
      do {
        let lock = try DirectoryLock(directory)
        try owner.write(Outcome(.running, step: 0))
        // Whoever holds the lock and lives writes for itself.
        other.settle(Outcome(.failed, step: 1, message: "too early"), owner: .running)
        #expect(try Self.kind(directory) == "running")
        let second = OutcomeFile(directory, isOwner: false)
        second.settle(Outcome(.failed, step: 1, message: "it is stopped"), owner: .stopped)
        #expect(try Self.kind(directory) == "failed")
        try owner.write(Outcome(.running, step: 0))
        _ = consume lock
      }
      let third = OutcomeFile(directory, isOwner: false)
      third.settle(Outcome(.failed, step: 1, message: "it has ended"), owner: .ended)
      #expect(try Self.kind(directory) == "failed")
      try owner.write(Outcome(.done, step: 9))
      let fourth = OutcomeFile(directory, isOwner: false)
      fourth.settle(Outcome(.failed, step: 1, message: "too late"), owner: .ended)
      #expect(try Self.kind(directory) == "done")
    }
  }
}
