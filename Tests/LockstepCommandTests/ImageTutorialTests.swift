import LockstepFiles
import LockstepTesting
import Testing

/// The tutorials about images run as they are written, on every fortieth image.
@Suite struct ImageTutorialTests {
  private static let root = Lockstep.example("x").dropLast("/Examples/x.json".count)

  /// A block of code of a tutorial.
  private struct Block {
    let language: Substring
    let lines: [Substring]
    /// The name in backquotes in the text before, where it ends in `.json`.
    let file: String?
  }

  private static func blocks(of tutorial: String) throws -> [Block] {
    let text = String(
      decoding: try FileInput.contents(of: "\(root)/docs/tutorials/\(tutorial).md"), as: UTF8.self)
    var blocks: [Block] = []
    var open: (language: Substring, lines: [Substring])?
    var file: String?
    for line in text.split(separator: "\n", omittingEmptySubsequences: false) {
      if let block = open {
        if line == "```" {
          blocks.append(Block(language: block.language, lines: block.lines, file: file))
          (open, file) = (nil, nil)
        } else {
          open = (block.language, block.lines + [line])
        }
      } else if line.hasPrefix("```") {
        open = (line.dropFirst(3), [])
      } else {
        for word in line.split(separator: "`") where word.hasSuffix(".json") { file = String(word) }
      }
    }
    return blocks
  }

  @Test(arguments: ["pictures-in-folders", "colour-images"])
  func commandsRunAsTheyAreWritten(_ tutorial: String) throws {
    try withDirectory { directory in
      var count = 0
      for block in try Self.blocks(of: tutorial) {
        if block.language == "json" {
          #expect(block.lines.count <= 20)
          // A configuration without a name takes the place of the one before.
          let text = block.lines.joined(separator: "\n")
          try AtomicFile.write("\(directory)/\(block.file ?? "other.json")", text: text)
          if block.file == nil {
            try run(["lockstep", "train", "other.json", "--run-directory", "none"], in: directory)
          }
        }
        guard block.language == "sh" else { continue }
        for line in block.lines {
          try run(line.split(separator: " ").map(String.init), in: directory)
          count += 1
        }
      }
      #expect(count >= 4)
    }
  }

  private func run(_ words: [String], in directory: String) throws {
    var words = words
    let result: ProgramResult
    if words.starts(with: ["python3"]) {
      result = try MPIRunner.runAlone(
        "/usr/bin/env", ["python3", "\(Self.root)/\(words[1])"] + words[2...] + ["--every", "40"],
        directory: directory)
    } else {
      var ranks = 1
      if words.starts(with: ["mpirun", "-n"]), let number = Int(words[2]) {
        ranks = number
        words.removeFirst(3)
      }
      #expect(words.removeFirst() == "lockstep")
      // Two steps show that it starts.
      if words.first == "train" { words += ["--set", "steps=2"] }
      result = try Lockstep.run(words, ranks: ranks, directory: directory)
    }
    #expect(result.succeeded, "\(words.joined(separator: " "))\n\(result.transcript)")
  }
}
