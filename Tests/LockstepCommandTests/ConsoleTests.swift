import LockstepFiles
import LockstepTesting
import Testing

/// What becomes of a command whose output cannot be written, or that nobody reads.
@Suite struct ConsoleTests {
  /// Runs a line of shell; `$lockstep` is the program, alone on its rank.
  private func shell(_ line: String, in directory: String) throws -> ProgramResult {
    try ProgramRunner.run(
      "sh", ["-c", line],
      environment: [
        "lockstep": try MPIRunner.builtExecutable("lockstep"),
        "digits": Lockstep.example("digits-mlp"), "OMPI_ALLOW_RUN_AS_ROOT": "1",
        "OMPI_ALLOW_RUN_AS_ROOT_CONFIRM": "1",
      ], directory: directory, deadline: .seconds(90))
  }

  @Test func whatCannotBeWrittenIsAnError() throws {
    try withDirectory { directory in
      let trained = try shell(
        "\"$lockstep\" train \"$digits\" --set steps=25 --run-directory run > /dev/full",
        in: directory)
      // The run itself is whole.
      #expect(trained.ending == .exited(1), "\(trained.transcript)")
      #expect(try JSONValue.read("\(directory)/run/outcome.json")["outcome"] == "done")
      #expect(FileKind("\(directory)/run/weights.safetensors") == .regular)
      for command in [
        "predict run", "evaluate run", "inspect run", "report run", "suggest-clip run",
        "catalog optimizers", "--help", "train --help", "--version",
        "train \"$digits\" --dry-run",
      ] {
        let full = try shell("\"$lockstep\" \(command) > /dev/full", in: directory)
        #expect(full.ending == .exited(1), "\(command): \(full.transcript)")
        #expect(
          full.complaints == ["lockstep: standard output: write: No space left on device"],
          "\(command): \(full.transcript)")
      }
      let closed = try shell("\"$lockstep\" inspect run >&-", in: directory)
      #expect(closed.ending == .exited(1), "\(closed.transcript)")
      let file = try shell("\"$lockstep\" predict run --output /dev/full", in: directory)
      #expect(file.ending != .exited(0))
      #expect(file.complaints.first?.contains("/dev/full: write: No space left") == true)
    }
  }

  @Test func aReaderThatGoesAwayEndsACommandButNoTraining() throws {
    try withDirectory { directory in
      // `:` reads nothing, and the first line comes after it has gone.
      let train = try shell(
        """
        mkfifo pipe; : <pipe & exec 3>pipe; wait
        "$lockstep" train "$digits" --set steps=25 --run-directory run >&3; echo $? >&2
        """, in: directory)
      #expect(train.errorOutput.hasSuffix("0\n"), "\(train.transcript)")
      #expect(try JSONValue.read("\(directory)/run/outcome.json")["outcome"] == "done")
      let predict = try shell(
        "(\"$lockstep\" predict run; echo $? >&2) | head -n 1", in: directory)
      // As `cat` ends there: by SIGPIPE, without a word.
      #expect(predict.errorOutput == "141\n", "\(predict.transcript)")
      #expect(predict.lines.count { $0.hasPrefix("{") } == 1)
    }
  }

  @Test func outputsThatAreNoFilesStayWhatTheyAre() throws {
    try withDirectory { directory in
      let result = try shell(
        """
        "$lockstep" train "$digits" --set steps=25 --run-directory run > log &&
        mkfifo fifo && (wc -l < fifo > count &) && "$lockstep" predict run --output fifo &&
        "$lockstep" predict run --output /dev/null && "$lockstep" report run --loss-plot /dev/null &&
        "$lockstep" predict run --output /dev/stdout > lines && test -p fifo && test -c /dev/null
        """, in: directory)
      #expect(result.succeeded, "\(result.transcript)")
      let lines = try jsonLines("\(directory)/lines")
      #expect(lines.count == 1000)
    }
  }

  @Test func namesThatAreNotTextAreRefused() throws {
    try withDirectory { directory in
      let result = try shell(
        "\"$lockstep\" train \"$digits\" --run-directory \"$(printf 'r\\377n')\"; echo $?",
        in: directory)
      #expect(result.output == "2\n")
      #expect(
        result.complaints.first?.contains(#"argument 4, 'r\xffn', is not UTF-8"#) == true,
        "\(result.transcript)")
      #expect(try SystemFileSystem().list(directory) == [])
    }
  }

  @Test func namesInFilesDoNotReachTheTerminal() throws {
    try withDirectory { directory in
      let header = Array(
        "{\"\\u001b[2Jx\":{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[0,4]},\"__metadata__\":{\"a\\u001b\":\"\\u009b\\n\"}}"
          .utf8)
      let file = "\(directory)/evil.safetensors"
      try AtomicFile.write(
        file,
        bytes: withUnsafeBytes(of: UInt64(header.count).littleEndian) { Array($0) } + header
          + [0, 0, 0, 0])
      for options in [[], ["--json"]] {
        let result = try Lockstep.run(["inspect", file] + options)
        #expect(result.succeeded, "\(result.transcript)")
        #expect(
          result.output.unicodeScalars.allSatisfy {
            $0 == "\n" || $0.value >= 0x20 && !(0x7f..<0xa0).contains($0.value)
          }, "\(result.output.debugDescription)")
      }
      let load = try Lockstep.run([
        "train", Lockstep.example("digits-mlp"), "--run-directory", "none", "--initial-weights",
        file,
      ])
      #expect(load.ending == .exited(2))
      #expect(!load.errorOutput.contains("\u{1b}"))
    }
  }
}
