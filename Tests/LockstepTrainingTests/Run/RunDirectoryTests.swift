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

  @Test func outcomesCarryTheExitCode() {
    #expect(Outcome(.done, step: 3).exitCode == 0)
    #expect(Outcome(.interrupted, step: 3).exitCode == 75)
    #expect(Outcome(.failed, step: 3, message: "x").exitCode == 1)
    #expect(Outcome(.running, step: 3).json["exitCode"] == JSONValue.null)
  }
}

@Suite struct LinesFileTests {
  static func append(_ file: LinesFile, _ steps: ClosedRange<Int>) throws {
    for step in steps { try file.append(["step": .integer(step), "loss": 0.5]) }
  }

  @Test func linesOfLaterStepsAndTornLinesAreRemoved() throws {
    try withTemporaryDirectory { directory in
      let path = "\(directory)/metrics.jsonl"
      let file = try LinesFile(path)
      try Self.append(file, 1...6)
      let whole = try contents(path)
      overwrite(path, whole + Array("{\"step\":7,\"lo".utf8))
      try file.truncate(afterStep: 9)
      #expect(try contents(path) == whole)
      try file.truncate(afterStep: 4)
      #expect(try lines(path).map { $0["step"] } == [1, 2, 3, 4])
      try Self.append(file, 5...5)
      #expect(try lines(path).map { $0["step"] } == [1, 2, 3, 4, 5])
      try file.truncate(afterStep: 0)
      #expect(try contents(path).isEmpty)
    }
  }

  @Test func anExistingFileIsContinued() throws {
    try withTemporaryDirectory { directory in
      let path = "\(directory)/metrics.jsonl"
      do { try Self.append(try LinesFile(path), 1...2) }
      do { try Self.append(try LinesFile(path), 3...3) }
      #expect(try lines(path).map { $0["step"] } == [1, 2, 3])
    }
  }
}

@Suite struct InterruptionTests {
  @Test func signalsRaiseTheRequest() {
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
