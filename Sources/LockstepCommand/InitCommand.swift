import Lockstep
import LockstepFiles

/// `lockstep init`: a configuration to start with, made of the data.
enum InitCommand: Command {
  static let name = "init"
  static let usage = "[DATA] [OPTIONS]"
  static let summary =
    "make a configuration that trains on a table, a folder of images, arrays or a text"
  static let discussion = """
    What the data are shows in them: a table (.csv, .tsv, also compressed), a folder with a folder of images a
    class, arrays (.npy, .npz, .safetensors, IDX) beside --labels, or a text (.txt). The configuration has a
    comment on each part; train, evaluate and all other commands read it with them. On a terminal, what is
    not given is asked for.
    """
  static let options: [OptionSpecification] =
    [
      .option("--target", "COLUMN", "of a table: the column to predict (default: a guess)"),
      .option("--text", "COLUMN", "of a table: the column of texts that are classified"),
      .option("--series", "COLUMN", "of a table of steps: the column that names their series"),
      .option("--time", "COLUMN", "of a table of steps: the column that orders them"),
      .option("--labels", "FILE", "of arrays: the labels"),
      .option("--output", "FILE", "where to write it, a new file (default: standard output)"),
    ] + InspectTable.dialectOptions

  static func run(_ arguments: Arguments) throws -> Int32 {
    guard arguments.positional.count <= 1 else {
      throw ArgumentError(
        description: "expected the data's path alone, found '\(arguments.positional[1])' too")
    }
    guard LauncherRank.isRoot else { return ExitCode.done }
    guard
      let path = arguments.positional.first
        ?? Console.ask("Where are the data? (a table, a folder of images, a text)")
    else { throw ArgumentError(description: "the data's path is missing") }
    let starter = try Starter(path, arguments)
    let output = arguments.value("--output")
    if let output, FileKind(output) != .missing {
      throw ArgumentError(
        description: "'--output': '\(output)' is there already; name a new file, or remove it")
    }
    // What is printed may be put into a file anywhere.
    let text = starter.text(at: output)
    defer { for notice in starter.notices { Console.notice(notice) } }
    guard let output else {
      Console.text(text)
      return ExitCode.done
    }
    try OutputFile.write(output, text: text)
    Console.line("\(output): \(starter.summary)")
    Console.line("train with it: lockstep train \(output.shellWord)")
    return ExitCode.done
  }
}
