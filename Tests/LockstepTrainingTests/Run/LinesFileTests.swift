import LockstepFiles
import LockstepTestSupport
import LockstepTraining
import LockstepTrainingTestSupport
import Testing

#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#endif

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

  /// A file that has a line for every step is asked for those that are gone.
  @Test func linesThatAreGoneAreTold() throws {
    try withTemporaryDirectory { directory in
      let path = "\(directory)/metrics.jsonl"
      let file = try LinesFile(path)
      #expect(
        try file.truncate(afterStep: 9, hasEachStep: true) == [
          "\(path): 9 of the last 9 steps have no line here, and are missing in reports"
        ])
      try Self.append(file, 1...3)
      try Self.append(file, 6...9)
      #expect(
        try file.truncate(afterStep: 8, hasEachStep: true) == [
          "\(path): 2 of the last 8 steps have no line here, and are missing in reports"
        ])
      #expect(try file.truncate(afterStep: 3, hasEachStep: true).isEmpty)
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

  /// What each line of the file is: its step, or 0 where it is blank.
  private func steps(_ path: String) throws -> [Int] {
    try contents(path).split(separator: UInt8(ascii: "\n")).map { line in
      line.allSatisfy { $0 == UInt8(ascii: " ") }
        ? 0 : try JSONValue.parse(Array(line))["step"]?.integerValue ?? -1
    }
  }

  /// One line that cannot be read, or lies about its step, takes no other with it.
  @Test(
    arguments: [
      (12, "{\"step\":12,\"loss\":\u{1}}", 30, "line 12 cannot be read"),
      (12, "{\"step\":92,\"loss\":0.5}", 30, "line 12 is of step 92"),
      (12, "{\"loss\":0.5}", 30, "line 12 has no whole number under 'step'"),
      (12, "[1]", 30, "line 12 cannot be read"),
      (30, "no JSON", 30, "line 30 cannot be read"),
      (25, "{\"step\":5,\"loss\":0.5}", 20, "line 25 is of step 5"),
      (25, "{", 20, "line 25 cannot be read"),
    ] as [(Int, String, Int, String)])
  func damagedLinesAreSetAside(
    damaged: Int, line: String, after: Int, notice: String
  ) throws {
    try withTemporaryDirectory { directory in
      let path = "\(directory)/metrics.jsonl"
      let file = try LinesFile(path)
      try Self.append(file, 1...30)
      var all = try contents(path).split(separator: UInt8(ascii: "\n")).map { Array($0) }
      all[damaged - 1] = Array(line.utf8)
      overwrite(path, Array((all + [[]]).joined(separator: [UInt8(ascii: "\n")])))
      let notices = try file.truncate(afterStep: after)
      #expect(notices.count == 1 && notices.first?.contains(notice) == true, "\(notices)")
      #expect(try steps(path) == (1...after).map { $0 == damaged ? 0 : $0 })
      #expect(try contents("\(path).damaged") == Array("\(line)\n".utf8))
      // Once is enough, and the run goes on.
      #expect(try file.truncate(afterStep: after).isEmpty)
      try Self.append(file, (after + 1)...(after + 2))
      #expect(try steps(path).suffix(2) == [after + 1, after + 2])
    }
  }

  @Test func aLastLineWithoutLineFeedIsKeptIfItIsWhole() throws {
    try withTemporaryDirectory { directory in
      let path = "\(directory)/metrics.jsonl"
      let file = try LinesFile(path)
      try Self.append(file, 1...6)
      let whole = try contents(path)
      overwrite(path, Array(whole.dropLast()))
      try file.truncate(afterStep: 6)
      #expect(try contents(path) == whole)
      overwrite(path, Array(whole.dropLast()))
      try file.truncate(afterStep: 5)
      #expect(try steps(path) == [1, 2, 3, 4, 5])
    }
  }

  /// The file is read from its end: what is in front of it does not cost anything.
  @Test func longFilesAreCutWithoutReadingThem() throws {
    try withTemporaryDirectory { directory in
      let path = "\(directory)/metrics.jsonl"
      let file = try LinesFile(path)
      // 5 GiB that take no room on the disk, and lines behind.
      let size = 5 << 30
      truncate(path, size)
      try file.append(["step": 0])
      let start = try FileInput(path).size
      try Self.append(file, 1...12_000)
      try file.append(["step": 12_001])
      let end = try FileInput(path).size - 15
      try file.truncate(afterStep: 12_000)
      #expect(try FileInput(path).size == end)
      #expect(start > size)
    }
  }

  @Test func linksAreNotWrittenThrough() throws {
    try withTemporaryDirectory { directory in
      try AtomicFile.write("\(directory)/victim", text: "precious")
      let path = "\(directory)/metrics.jsonl"
      link("\(directory)/victim", path)
      let hard = #expect(throws: FileError.self) { try LinesFile(path) }
      #expect(hard?.reason.contains("hard link") == true)
      unlink(path)
      mkfifo(path, 0o600)
      let fifo = #expect(throws: FileError.self) { try LinesFile(path) }
      #expect(fifo?.reason == "is not a regular file; remove it")
    }
  }

  @Test func damageNeverCrashesNorLosesWhatIsSound() async {
    await #expect(processExitsWith: .success) {
      try withTemporaryDirectory { directory in
        let path = "\(directory)/metrics.jsonl"
        let file = try LinesFile(path)
        try LinesFileTests.append(file, 1...20)
        let whole = try contents(path)
        var mutator = Mutator(seed: 7)
        for _ in 0..<300 {
          let bytes = mutator.mutate(whole)
          overwrite(path, bytes)
          let before = bytes.split(separator: UInt8(ascii: "\n")).compactMap {
            try? JSONValue.parse(Array($0))["step"]?.integerValue
          }
          _ = try? file.truncate(afterStep: 10)
          let after = try contents(path).split(separator: UInt8(ascii: "\n")).compactMap {
            try? JSONValue.parse(Array($0))["step"]?.integerValue
          }
          // A few changes leave most lines: those of early steps are all there.
          #expect(Set(after).isSuperset(of: Set(before).intersection(1...8)))
          #expect(!after.contains { (11...20).contains($0) } || before.count < 12)
          unlink("\(path).damaged")
        }
      }
    }
  }
}
