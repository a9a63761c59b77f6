import LockstepFiles
import LockstepConfiguration
import LockstepTesting
import Testing

/// Help, versions, and mistakes on the command line.
@Suite struct HelpTests {
  static let commands = [
    "train", "evaluate", "inspect", "doctor", "catalog", "report", "suggest-clip",
    "sweep", "predict", "generate", "verify", "plan", "benchmark", "schema", "cross-validate",
    "find-rate", "find-batch-size", "init", "completion", "manual",
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
    // Examples are of this command, and their options are known.
    let examples = result.output.components(from: "\nexamples:\n")
    #expect(!examples.isEmpty)
    for example in examples {
      let words = example.split(separator: " ").map(String.init)
      let place = try #require(words.firstIndex(of: "lockstep"), "\(example)")
      #expect(words.indices.contains(place + 1) && words[place + 1] == command, "\(example)")
      for word in words where word.hasPrefix("--") {
        #expect(result.output.contains("\n  \(word)"), "\(example)")
      }
    }
  }

  /// `help COMMAND` is `COMMAND --help`.
  @Test(arguments: ["train", "sweep"]) func helpTakesACommand(_ command: String) throws {
    let help = try Lockstep.run(["help", command])
    let own = try Lockstep.run([command, "--help"]).output
    #expect(help.succeeded && help.output == own)
    let wrong = try Lockstep.run(["help", "trian"])
    #expect(wrong.ending == .exited(2))
    #expect(wrong.complaints.first?.contains("did you mean 'train'?") == true)
  }

  /// Without a kind the kinds are listed; each has its own list.
  @Test func theCatalogHasEveryKind() throws {
    let all = try Lockstep.run(["catalog"])
    #expect(all.succeeded)
    for kind in CatalogTables.names {
      #expect(all.output.contains("\n  \(kind) "))
      let one = try Lockstep.run(["catalog", kind])
      #expect(one.succeeded && !one.output.isEmpty)
    }
    #expect(try Lockstep.run(["catalog", "data"]).output.contains("mnist-5k: "))
    #expect(try Lockstep.run(["catalog", "losses"]).output.contains("meanSquaredError: "))
  }

  @Test func theSchemaIsPrintedAndWritten() throws {
    let printed = try Lockstep.run(["schema"])
    #expect(printed.succeeded, "\(printed.transcript)")
    #expect(try JSONValue.parse(printed.output) == RunConfiguration.schema)
    try withDirectory { directory in
      let path = "\(directory)/lockstep.schema.json"
      let written = try Lockstep.run(["schema", "--output", path])
      #expect(written.succeeded && written.output.isEmpty, "\(written.transcript)")
      let text = String(decoding: try FileInput.contents(of: path), as: UTF8.self)
      #expect(try JSONValue.parse(text) == RunConfiguration.schema)
    }
    #expect(try Lockstep.run(["schema", "x"]).ending == .exited(2))
  }

  /// What people write by habit leads to the right form.
  @Test(arguments: [
    ("optimizer.lr=0.1", "unknown key 'lr' in 'optimizer'; did you mean 'learningRate'?"),
    ("learningRate=0.1", "unknown key 'learningRate'; did you mean 'optimizer.learningRate'?"),
    ("lr=0.1", "unknown key 'lr'; did you mean 'optimizer.learningRate'?"),
    (
      "loss=mse",
      "'loss.type' must be one of 'softmaxCrossEntropy', 'binaryCrossEntropy', "
    ),
    (
      "loss=mse", "'poisson'; found 'mse'; did you mean 'meanSquaredError'?"
    ),
    ("model.activation=Relu", "found 'Relu'; did you mean 'relu'?"),
    (
      "clip=1", #"'clip' must be an object; found 1; did you mean {"type":"globalNorm","limit":1}?"#
    ),
    ("optimizer.nam=adam", "unknown key 'nam' in 'optimizer'"),
    ("batch_size=32", "unknown key 'batch_size'; did you mean 'batchSize'?"),
    ("clip.max_norm=1", "unknown key 'max_norm' in 'clip'"),
  ])
  func habitsLeadToTheRightForm(_ setting: String, _ message: String) throws {
    let result = try Lockstep.run([
      "train", Lockstep.example("digits-mlp"), "--dry-run", "--set", setting,
    ])
    #expect(result.ending == .exited(2), "\(result.transcript)")
    #expect(result.errorOutput.contains(message), "\(result.transcript)")
  }

  /// Short forms of what the configuration has at length.
  @Test(arguments: [
    "optimizer=adam", "loss=softmaxCrossEntropy", "clip.norm=2", "clip.norm=[2]",
    "optimizer.schedule=cosine", "clip=null", "constraints=null", "wire=float32", "model.sizes=10",
    "clip.scope=*.weight", "batchSize=[64]", "batchSize=64.0", "nonFinite=skip",
  ])
  func shortFormsAreTaken(_ setting: String) throws {
    let result = try Lockstep.run([
      "train", Lockstep.example("digits-mlp"), "--dry-run", "--set", setting,
    ])
    #expect(result.succeeded, "\(result.transcript)")
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

  /// A shell reads its script, and completes commands, options and values by it.
  @Test func bashCompletes() throws {
    try withDirectory { directory in
      let script = try Lockstep.run(["completion", "bash"])
      try AtomicFile.write("\(directory)/lockstep.bash", text: script.output)
      func completions(_ words: [String]) throws -> [String] {
        let list = words.map { "'\($0)'" }.joined(separator: " ")
        let result = try ProgramRunner.run(
          "/bin/bash",
          [
            "-c",
            "source '\(directory)/lockstep.bash' && COMP_WORDS=(\(list)) && COMP_CWORD=\(words.count - 1)"
              + " && _lockstep && printf '%s\\n' \"${COMPREPLY[@]}\"",
          ])
        #expect(result.succeeded, "\(result.transcript)")
        return result.lines.filter { !$0.isEmpty }
      }
      #expect(try completions(["lockstep", "tr"]) == ["train"])
      #expect(try completions(["lockstep", "train", "--dry"]) == ["--dry-run"])
      #expect(try completions(["lockstep", "inspect", "--checkpoint", "b"]) == ["best"])
      #expect(try completions(["lockstep", "completion", ""]) == ["bash", "fish", "zsh"])
      #expect(try completions(["lockstep", "train", "conf"]).isEmpty)
    }
  }

  /// Scripts of other shells have all commands; the shells read them where they are installed.
  @Test(arguments: ["bash", "zsh", "fish"]) func shellsReadTheirScripts(_ shell: String) throws {
    let script = try Lockstep.run(["completion", shell])
    #expect(script.succeeded)
    for command in Self.commands { #expect(script.output.contains(command)) }
    guard
      let path = ["/bin", "/usr/bin"].map({ "\($0)/\(shell)" }).first(where: {
        FileKind($0) != .missing
      })
    else { return }
    try withDirectory { directory in
      try AtomicFile.write("\(directory)/script", text: script.output)
      let result = try ProgramRunner.run(path, ["-n", "\(directory)/script"])
      #expect(result.succeeded && result.errorOutput.isEmpty, "\(result.transcript)")
    }
  }

  @Test func theManualHasEveryCommandAndOption() throws {
    let page = try Lockstep.run(["manual"])
    #expect(page.succeeded)
    for command in Self.commands {
      #expect(
        page.output.contains("\n.Ss \(command)\n")
          || page.output.contains("\n.Ss \(command.replacing("-", with: "\\-"))\n"))
    }
    #expect(page.output.contains("run\\-directory"))
    guard FileKind("/usr/bin/mandoc") != .missing else { return }
    try withDirectory { directory in
      try AtomicFile.write("\(directory)/lockstep.1", text: page.output)
      let result = try ProgramRunner.run(
        "/usr/bin/mandoc", ["-Tlint", "-Wwarning", "\(directory)/lockstep.1"])
      #expect(result.succeeded, "\(result.transcript)")
    }
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

extension String {
  /// The lines behind a text, without blanks in front.
  fileprivate func components(from start: String) -> [String] {
    guard let range = firstRange(of: start) else { return [] }
    return self[range.upperBound...].split(separator: "\n").map { String($0.drop { $0 == " " }) }
  }
}
