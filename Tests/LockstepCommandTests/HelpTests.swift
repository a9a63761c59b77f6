import LockstepFiles
import LockstepTesting
import Testing

/// Help, versions, and mistakes on the command line.
@Suite struct HelpTests {
  static let commands = [
    "train", "evaluate", "inspect", "doctor", "catalog", "report", "suggest-clip",
    "sweep", "predict", "verify", "plan", "benchmark",
  ]

  @Test func helpListsEveryCommand() throws {
    let result = try Lockstep.run(["--help"])
    #expect(result.succeeded)
    for command in Self.commands { #expect(result.output.contains("\n  \(command) ")) }
    #expect(result.errorOutput.isEmpty)
  }

  @Test(arguments: commands)
  func everyCommandHasHelp(_ command: String) throws {
    let result = try Lockstep.run([command, "--help"])
    #expect(result.succeeded)
    #expect(result.output.hasPrefix("usage: lockstep \(command)"))
    #expect(result.output.contains("--help"))
  }

  /// The version is that of the newest release in the changelog.
  @Test func theVersionIsTheChangelogsAndNamesTheLibraries() throws {
    let root = Lockstep.example("x").dropLast("/Examples/x.json".count)
    let log = String(decoding: try FileInput.contents(of: "\(root)/CHANGELOG.md"), as: UTF8.self)
    let heading = try #require(
      log.split(separator: "\n").first { $0.hasPrefix("## [") && $0 != "## [Unreleased]" })
    let result = try Lockstep.run(["--version"])
    #expect(result.succeeded)
    let newest = heading.dropFirst("## [".count).prefix { $0 != "]" }
    #expect(result.output.hasPrefix("lockstep \(newest) (oneDNN "))
  }

  @Test(arguments: [
    ([], "a command is missing"),
    (["trian"], "unknown command 'trian'; did you mean 'train'?"),
    (["train"], "the configuration's path is missing"),
    (["train", "a", "b"], "found 'b' too"),
    (["train", "a", "--resum"], "unknown option '--resum'; did you mean '--resume'?"),
    (["train", "a", "--resume"], "'--resume' needs '--run-directory DIR'"),
    (["train", "a", "--set"], "'--set' needs a value"),
    (["train", "a", "--set", "x"], "expected key.path=value, found 'x'"),
    (["train", "a", "--quiet=1"], "'--quiet' takes no value"),
    (["train", "a", "--isa", "avx3"], "must be one of baseline, avx2, avx512; found 'avx3'"),
    (["evaluate", "a", "--on", "dev"], "'--on' must be test or training; found 'dev'"),
    (["doctor", "a"], "doctor takes no argument; found 'a'"),
  ])
  func mistakesEndWithCode2(_ arguments: [String], _ message: String) throws {
    let result = try Lockstep.run(arguments)
    #expect(result.ending == .exited(2), "\(result.transcript)")
    #expect(result.complaints.count == 1 && result.complaints[0].contains(message))
    #expect(result.output.isEmpty)
  }

  /// However many ranks there are, one of them speaks.
  @Test func oneRankSpeaks() throws {
    let wrong = try Lockstep.run(["train", "a", "--resum"], ranks: 3)
    #expect(wrong.ending == .exited(2), "\(wrong.transcript)")
    #expect(wrong.complaints.count == 1)
    let help = try Lockstep.run(["--version"], ranks: 3)
    #expect(help.lines.filter { $0.hasPrefix("lockstep ") }.count == 1)
  }
}
