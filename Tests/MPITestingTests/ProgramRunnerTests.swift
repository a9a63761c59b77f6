import MPITesting
import Testing

@Suite struct ProgramRunnerTests {
  @Test func capturesOutputErrorsAndCode() throws {
    let result = try ProgramRunner.run(
      "sh", ["-c", "echo out $COLOR $0 $1; echo err >&2; exit 3", "a", "b c"],
      environment: ["COLOR": "green"])
    #expect(result.ending == .exited(3))
    #expect(result.output == "out green a b c\n")
    #expect(result.errorOutput == "err\n")
    #expect(!result.succeeded)
  }

  @Test func removesVariablesAndChangesTheDirectory() throws {
    let result = try ProgramRunner.run(
      "sh", ["-c", "echo ${HOME-gone}; pwd"], environment: ["HOME": nil as String?],
      directory: "/usr")
    #expect(result.lines == ["gone", "/usr", ""])
  }

  @Test func tellsTheSignal() throws {
    #expect(try ProgramRunner.run("sh", ["-c", "kill -9 $$"]).ending == .signalled(9))
  }

  @Test func longOutputDoesNotBlock() throws {
    let result = try ProgramRunner.run(
      "sh", ["-c", "head -c 3000000 /dev/zero | tr '\\0' x; head -c 300000 /dev/zero >&2"])
    #expect(result.output.utf8.count == 3_000_000)
    #expect(result.errorOutput.utf8.count == 300_000)
  }

  @Test func aDeadlineEndsAProgram() throws {
    let polite = try ProgramRunner.run("sleep", ["60"], deadline: .milliseconds(100))
    #expect(polite.ending == .timedOut)
    // One that ignores the request, and its child, are killed.
    let stubborn = try ProgramRunner.run(
      "sh", ["-c", "trap '' TERM; sleep 60; sleep 60"], deadline: .milliseconds(100))
    #expect(stubborn.ending == .timedOut)
  }

  @Test func aMissingProgramIsNamed() {
    #expect(throws: ProgramRunner.Failure.self) { try ProgramRunner.run("no-such-program") }
  }

  @Test func aDeadlineEndsAJobOfSeveralRanks() throws {
    let result = try MPIRunner.run(
      MPIRunner.builtExecutable("mpi-checks"), ["sleep"], ranks: 2,
      deadline: .milliseconds(500))
    #expect(result.ending == .timedOut)
  }
}
