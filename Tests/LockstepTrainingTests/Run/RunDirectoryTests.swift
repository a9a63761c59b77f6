import LockstepObservation
import LockstepFiles
import LockstepTraining
import LockstepTrainingTestSupport
import Testing

#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#endif

@Suite struct RunDirectoryTests {
  static let configuration: JSONValue = ["seed": 1, "model": ["units": 3]]

  @Test func oneHolderAtATime() throws {
    try withTemporaryDirectory { parent in
      let path = "\(parent)/a/b/run"
      do {
        let first = try RunDirectory(path, resume: false, configuration: Self.configuration)
        let error = #expect(throws: FileError.self) {
          try RunDirectory(path, resume: true, configuration: Self.configuration)
        }
        #expect(error?.path == path)
        #expect(error?.reason.hasPrefix("is in use by process \(getpid()) on ") == true)
        #expect(try JSONValue.read("\(path)/config.json") == Self.configuration)
        withExtendedLifetime(first) {}
      }
      // The lock went with the holder; what it held is not overwritten unasked.
      #expect(throws: RunDirectoryError.holdsRun(path)) {
        try RunDirectory(path, resume: false, configuration: Self.configuration)
      }
      _ = try RunDirectory(path, resume: true, configuration: ["seed": 2])
      #expect(try JSONValue.read("\(path)/config.json") == Self.configuration)
    }
  }

  @Test func aPlaceThatCannotBeWrittenIsNamedOnAllRanks() throws {
    try withTemporaryDirectory { parent in
      try AtomicFile.write("\(parent)/file", text: "")
      let errors = try group(of: 3) { group -> String in
        do {
          _ = try RunDirectory.open(
            "\(parent)/file/run", resume: false, configuration: Self.configuration, on: group)
          return "no error"
        } catch { return "\(error)" }
      }
      for error in errors {
        #expect(error == "\(parent)/file/run: create directory: Not a directory")
      }
    }
  }

  /// Links inside of a run directory would let it write to somebody else's files.
  @Test(arguments: [".lock", "metrics.jsonl", "evaluations.jsonl", "checkpoints"])
  func linksInsideAreNotFollowed(name: String) throws {
    try withTemporaryDirectory { parent in
      let path = "\(parent)/run"
      try SystemFileSystem().createDirectory(path)
      try AtomicFile.write("\(parent)/victim", text: "precious")
      symlink("../victim", "\(path)/\(name)")
      let error = #expect(throws: FileError.self) {
        try RunDirectory(path, resume: false, configuration: Self.configuration)
      }
      #expect(error?.path == "\(path)/\(name)")
      #expect(error?.reason.contains("is a symbolic link") == true)
      #expect(try contents("\(parent)/victim") == Array("precious".utf8))
    }
  }

  @Test func whatIsReplacedWholeReplacesLinksToo() throws {
    try withTemporaryDirectory { parent in
      try SystemFileSystem().createDirectory("\(parent)/real")
      // The directory itself may be a link.
      let path = "\(parent)/run"
      symlink("real", path)
      try AtomicFile.write("\(parent)/victim", text: "precious")
      symlink("../victim", "\(parent)/real/outcome.json")
      let directory = try RunDirectory(path, resume: false, configuration: Self.configuration)
      try directory.write(Outcome(.done, step: 3))
      #expect(try contents("\(parent)/victim") == Array("precious".utf8))
      #expect(try JSONValue.read("\(parent)/real/outcome.json")["step"] == 3)
    }
  }

  @Test func aDirectoryThatBecameAnothersIsLeftAlone() throws {
    try withTemporaryDirectory { parent in
      let path = "\(parent)/run"
      let mine = try RunDirectory(path, resume: false, configuration: Self.configuration)
      rename(path, "\(parent)/old")
      let other = try RunDirectory(path, resume: false, configuration: ["seed": 2])
      try other.write(Outcome(.running, step: 1))
      let error = #expect(throws: FileError.self) {
        try mine.write(Outcome(.failed, step: 9, message: "x"))
      }
      #expect(error?.kind == .replaced)
      #expect(error?.path.hasPrefix(path) == true)
      #expect(throws: FileError.self) {
        try AtomicFile.write(
          mine.checkpoints.path(ofStep: 1), text: "x", fileSystem: mine.fileSystem)
      }
      #expect(try JSONValue.read("\(path)/outcome.json")["step"] == 1)
      #expect(try SystemFileSystem().list("\(path)/checkpoints") == [])
    }
  }

  @Test func outcomesCarryTheExitCode() {
    #expect(Outcome(.done, step: 3).exitCode == 0)
    #expect(Outcome(.interrupted, step: 3).exitCode == 75)
    #expect(Outcome(.failed, step: 3, message: "x").exitCode == 1)
    #expect(Outcome(.running, step: 3).json["exitCode"] == JSONValue.null)
  }
}
