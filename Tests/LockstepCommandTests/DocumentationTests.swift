import LockstepConfiguration
import LockstepFiles
import LockstepTesting
import Testing

#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#endif

/// Every example of the documentation runs.
@Suite struct DocumentationTests {
  private static let root = Lockstep.example("x").dropLast("/Examples/x.json".count)

  private static let files = [
    "README.md", "docs/configuration.md", "docs/guarantees.md", "docs/fold.md", "docs/cluster.md",
    "docs/extending.md", "docs/update-rules.md", "docs/mpi.md", "docs/testing.md",
    "docs/transfer.md", "docs/cost-model.md", "docs/hessian-free.md",
    "docs/choosing-a-threshold.md", "docs/privacy.md", "docs/why-clip.md", "docs/profiling.md",
    "docs/seeing-a-run.md",
    "docs/kernels.md",
    "docs/architecture.md",
    "docs/glossary.md", "docs/data.md", "docs/sequences.md", "docs/onnx.md",
    "docs/comparison.md", "docs/troubleshooting.md",
    "docs/tutorials/table.md", "docs/tutorials/dates.md", "docs/tutorials/series.md",
    "docs/tutorials/unbalanced-classes.md",
    "CONTRIBUTING.md", "Benchmarks/README.md",
    "Benchmarks/RESULTS.md", "\(catalogue)/Lockstep.md", "\(catalogue)/Articles/GettingStarted.md",
    "\(catalogue)/Articles/Clipping.md", "\(catalogue)/Articles/DistributedCorrectness.md",
    "\(catalogue)/Articles/Extending.md",
  ]

  /// What DocC makes the documentation of.
  private static let catalogue = "Sources/Lockstep/Lockstep.docc"

  /// The code blocks of a language, in order.
  private static func blocks(_ language: String, in file: String) throws -> [String] {
    let text = String(
      decoding: try FileInput.contents(of: "\(root)/\(file)"), as: UTF8.self)
    var blocks: [String] = []
    var open: [Substring]?
    for line in text.split(separator: "\n", omittingEmptySubsequences: false) {
      if let lines = open {
        if line == "```" {
          blocks.append(lines.joined(separator: "\n"))
          open = nil
        } else {
          open = lines + [line]
        }
      } else if line == "```\(language)" {
        open = []
      }
    }
    return blocks
  }

  /// Lines of shell that start `lockstep`, alone or under mpirun, in their order, in one directory.
  @Test func commandsRun() throws {
    let program = try MPIRunner.builtExecutable("lockstep")
    var count = 0
    for file in Self.files {
      try withDirectory { directory in
        symlink("\(Self.root)/Examples", "\(directory)/Examples")
        let lines = try Self.blocks("sh", in: file).joined(separator: "\n").split(separator: "\n")
        // A threshold is read off twenty steps behind the first tenth.
        // Norms of tensors are logged after every tenth.
        let steps =
          lines.contains { $0.contains("--tensors") }
          ? 240 : lines.contains { $0.contains("suggest-clip") } ? 24 : 2
        for line in lines {
          var words = Self.words(of: String(line))
          var ranks = 1
          if words.starts(with: ["mpirun", "-n"]), let number = Int(words[2]) {
            ranks = number
            words.removeFirst(3)
          }
          guard words.first == "lockstep" else { continue }
          words.removeFirst()
          // The examples are whole trainings; a few steps show that they start.
          if ["train", "sweep"].contains(words.first), !words.contains("--resume") {
            words += ["--set", "steps=\(steps)"]
          }
          let result =
            ranks == 1
            ? try MPIRunner.runAlone(program, words, directory: directory)
            : try MPIRunner.run(program, words, ranks: ranks, directory: directory)
          #expect(result.succeeded, "\(file): \(line)\n\(result.transcript)")
          count += 1
        }
      }
    }
    #expect(count >= 9)
  }

  /// The words of a command, as a shell takes them; what stands in quotes is one.
  private static func words(of line: String) -> [String] {
    let parts = line.split(omittingEmptySubsequences: false) { $0 == "\"" }
    return parts.enumerated().flatMap { number, part -> [String] in
      guard number.isMultiple(of: 2) else { return [String(part)] }
      return part.split { $0 == " " }.map(String.init)
    }
  }

  @Test func configurationsAreAccepted() throws {
    var count = 0
    for file in Self.files {
      for block in try Self.blocks("json", in: file) {
        #expect(throws: Never.self) {
          try RunConfiguration(parsing: Array(block.utf8), source: file)
        }
        count += 1
      }
    }
    #expect(count > 0)
  }

  /// Swift code of the documentation stands in a source that is compiled.
  @Test func swiftCodeIsCompiled() throws {
    let sources = try [
      "Examples/OwnModel/main.swift", "Examples/HeatEquation/main.swift",
      "Tests/Programs/mpi-checks/Documented.swift", "Tests/Programs/documented/main.swift",
      "Tests/Programs/documented/Documented.swift", "Tests/Programs/documented/Testing.swift",
      "Tests/Programs/documented/Transfer.swift", "Tests/Programs/documented/Extensions.swift",
      "Tests/Programs/documented/Listening.swift", "Tests/Programs/documented/Sources.swift",
      "Examples/OwnOperation/Sources/OwnOperation/SoftThreshold.swift",
      "Examples/OwnOperation/Sources/OwnOperation/main.swift",
    ].map {
      String(decoding: try FileInput.contents(of: "\(Self.root)/\($0)"), as: UTF8.self)
        .split(separator: "\n").map { $0.drop { $0 == " " } }
    }
    var count = 0
    for file in Self.files {
      for block in try Self.blocks("swift", in: file) {
        let lines = block.split(separator: "\n").map { $0.drop { $0 == " " } }
        let isThere = sources.contains { source in
          source.indices.contains { start in source[start...].starts(with: lines) }
        }
        #expect(isThere, "\(file): no compiled source has\n\(block)")
        count += 1
      }
    }
    #expect(count >= 10)
  }

  /// The tutorial ends with the program that ships, and each step keeps the lines of the one before.
  @Test func theTutorialComesToTheExample() throws {
    func lines(_ path: String) throws -> [Substring] {
      String(decoding: try FileInput.contents(of: "\(Self.root)/\(path)"), as: UTF8.self)
        .split(separator: "\n", omittingEmptySubsequences: false)
    }
    let steps = try (1...5).map {
      try lines("\(Self.catalogue)/Resources/FirstTraining-\($0).swift")
    }
    #expect(steps.last == (try lines("Examples/OwnModel/main.swift")))
    for (step, next) in zip(steps, steps.dropFirst()) {
      #expect(next.count > step.count)
      #expect(next.difference(from: step).removals.isEmpty, "\(step.count) lines")
    }
  }

  /// The model of the README learns, with the same bits on other ranks.
  @Test func theReadmesModelRuns() throws {
    let program = try MPIRunner.builtExecutable("own-model")
    let two = try MPIRunner.run(program, ranks: 2)
    let three = try MPIRunner.run(program, ranks: 3)
    #expect(two.fingerprint != nil && two.fingerprint == three.fingerprint, "\(two.transcript)")
  }

  @Test func smallerExamplesRun() throws {
    let result = try MPIRunner.run(MPIRunner.builtExecutable("documented"), ranks: 3)
    #expect(result.succeeded, "\(result.transcript)")
    #expect(result.lines.contains("mean 1.0, received 1.0"))
    #expect(result.lines.contains("updates 0, [2, 3]"))
    #expect(result.lines.filter { $0 == "extensions true" }.count == 3)
    #expect(result.lines.filter { $0 == "noise true" }.count == 3)
    #expect(result.lines.filter { $0 == "sources true, [28, 37]" }.count == 3)
    #expect(result.lines.filter { $0 == "listening true" }.count == 3)
    #expect(result.lines.filter { $0 == "same bits true" }.count == 3)
    #expect(result.lines.filter { $0 == "second-order step 1" }.count == 3)
  }

  /// The tables of the reference are the catalogs'.
  @Test func tablesAreTheCatalogs() throws {
    let text = String(
      decoding: try FileInput.contents(of: "\(Self.root)/docs/configuration.md"), as: UTF8.self)
    for kind in CatalogTables.names {
      let table = try #require(CatalogTables.markdown(kind))
      #expect(
        text.contains("<!-- catalog: \(kind) -->\n\(table)\n<!-- end -->"),
        "run scripts/update-docs.sh: the table of \(kind) is out of date")
    }
  }
}
