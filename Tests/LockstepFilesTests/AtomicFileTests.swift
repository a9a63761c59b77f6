import LockstepFiles
import LockstepTestSupport
import Testing

@Suite struct AtomicFileTests {
  private let old: [UInt8] = Array("old content".utf8)
  private let new: [UInt8] = Array("the new content, in two parts".utf8)

  /// Writes ``new`` over ``old`` in two parts.
  private func replace(on fileSystem: RecordingFileSystem) throws {
    try AtomicFile.write("d/file", fileSystem: fileSystem) { output in
      try output.append(Array(new.prefix(10)))
      try output.append(Array(new.dropFirst(10)))
    }
  }

  /// The prefixes of the calls after which a power failure may leave neither old nor new content.
  private func violations(_ fileSystem: RecordingFileSystem) -> [Int] {
    (0...fileSystem.calls.count).filter { prefix in
      fileSystem.worlds(after: prefix).contains { world in
        world["d/file"] != old && world["d/file"] != new
      }
    }
  }

  @Test("after any prefix of the calls, whatever is lost, the old or the new content is whole")
  func everyPrefix() throws {
    let fileSystem = RecordingFileSystem(initial: ["d/file": old])
    try replace(on: fileSystem)
    #expect(fileSystem.calls.count == 7)
    #expect(violations(fileSystem).isEmpty)
  }

  @Test("once the write returns, the new content is durable")
  func durable() throws {
    let fileSystem = RecordingFileSystem(initial: ["d/file": old])
    try replace(on: fileSystem)
    for world in fileSystem.worlds(after: fileSystem.calls.count) {
      #expect(world == ["d/file": new])
    }
  }

  @Test("without fsync of the file the law fails: the test can see it")
  func withoutFileSync() throws {
    let fileSystem = RecordingFileSystem(initial: ["d/file": old], carelessness: .forgetsFiles)
    try replace(on: fileSystem)
    #expect(!violations(fileSystem).isEmpty)
  }

  @Test("without fsync of the directory the new content is not durable: the test can see it")
  func withoutDirectorySync() throws {
    let fileSystem = RecordingFileSystem(
      initial: ["d/file": old], carelessness: .forgetsDirectories)
    try replace(on: fileSystem)
    #expect(
      fileSystem.worlds(after: fileSystem.calls.count).contains { $0["d/file"] == old })
  }

  @Test("without waiting for the disk, the death of the process leaves the old or the new content")
  func hasty() throws {
    let fileSystem = RecordingFileSystem(initial: ["d/file": old])
    try AtomicFile.write("d/file", bytes: new, isDurable: false, fileSystem: fileSystem)
    #expect(
      !fileSystem.calls.contains { call in
        switch call {
        case .synchronize, .synchronizeDirectory: true
        default: false
        }
      })
    for prefix in 0...fileSystem.calls.count {
      let content = fileSystem.visibleWorld(after: prefix)["d/file"]
      #expect(content == (prefix == fileSystem.calls.count ? new : old))
    }
  }

  @Test("whichever call fails, the error names the file, and old or new content is left alone")
  func everyFailure() throws {
    var failures = 0
    for failing in 0..<8 {
      let fileSystem = RecordingFileSystem(initial: ["d/file": old], failingCall: failing)
      do {
        try replace(on: fileSystem)
      } catch let error as FileError {
        failures += 1
        #expect(error.description.hasSuffix("No space left on device"))
        #expect(error.path.hasPrefix("d"))
      }
      #expect(fileSystem.visibleFiles == ["d/file"])
      #expect(violations(fileSystem).isEmpty)
    }
    #expect(failures == 7)
  }

  @Test("an error of the caller leaves the old content and no temporary file")
  func callerFails() throws {
    struct Refusal: Error {}
    let directory = TemporaryDirectory()
    let path = directory.write(old)
    #expect(throws: Refusal.self) {
      try AtomicFile.write(path) { output in
        try output.append(new)
        throw Refusal()
      }
    }
    #expect(try FileInput.contents(of: path) == old)
    #expect(try SystemFileSystem().list(directory.path) == ["file"])
  }

  @Test("on the real file system: writes, replaces, counts")
  func realFiles() throws {
    let directory = TemporaryDirectory()
    let path = directory.file("file")
    try AtomicFile.write(path, text: "größe")
    #expect(try FileInput.contents(of: path) == Array("größe".utf8))
    let large = (0..<300_000).map { UInt8(truncatingIfNeeded: $0 * 7) }
    try AtomicFile.write(path) { output in
      try output.append(large)
      #expect(output.count == large.count)
    }
    #expect(try FileInput.contents(of: path) == large)
    #expect(try SystemFileSystem().list(directory.path) == ["file"])
  }

  @Test("a missing directory is named with the system's text")
  func missingDirectory() {
    let error = #expect(throws: FileError.self) {
      try AtomicFile.write("/nonexistent-directory/file", text: "")
    }
    #expect(
      error?.description == "/nonexistent-directory/file: create: No such file or directory")
  }

  @Test("leftovers of dead writers are found and removed; those of the living are not")
  func leftovers() throws {
    let directory = TemporaryDirectory()
    // This process's own temporary names, seen from inside a write.
    var mine: [String] = []
    try AtomicFile.write(directory.file("weights")) { _ in
      mine = try SystemFileSystem().list(directory.path)
      #expect(try AtomicFile.leftovers(in: directory.path).isEmpty)
      #expect(try AtomicFile.leftovers(in: directory.path, of: .all).count == 1)
    }
    let name = try #require(mine.first)
    var parts = name.split(separator: "@").map(String.init)
    #expect(parts.count == 4)
    // Process numbers end at 4,194,304.
    parts[2] = "2000000000"
    let dead = parts.joined(separator: "@")
    _ = directory.write([], to: dead)
    parts[1] = "another-host"
    let foreign = parts.joined(separator: "@")
    _ = directory.write([], to: foreign)
    _ = directory.write([], to: ".unrelated@x@1@2")

    #expect(try AtomicFile.removeLeftovers(in: directory.path) == [directory.file(dead)])
    #expect(
      try AtomicFile.removeLeftovers(in: directory.path, of: .all) == [directory.file(foreign)])
    #expect(try SystemFileSystem().list(directory.path) == [".unrelated@x@1@2", "weights"])
  }

  @Test("a temporary name that a dead process left does not stand in the way")
  func takenName() throws {
    let directory = TemporaryDirectory()
    var name: String?
    try AtomicFile.write(directory.file("file")) { _ in
      name = try SystemFileSystem().list(directory.path).first
    }
    _ = directory.write([1], to: try #require(name))
    try AtomicFile.write(directory.file("file"), bytes: [2])
    #expect(try FileInput.contents(of: directory.file("file")) == [2])
  }
}
