import Lockstep
import LockstepFiles

/// `lockstep manual`: the manual page.
enum ManualCommand: Command {
  static let name = "manual"
  static let usage = ""
  static let summary = "print the manual page, lockstep(1)"
  static let discussion = """
    It is written in mdoc, which man, mandoc and groff show: lockstep manual | mandoc -l
    """
  static let options: [OptionSpecification] = []

  static func run(_ arguments: Arguments) throws -> Int32 {
    guard arguments.positional.isEmpty else {
      throw ArgumentError(
        description: "manual takes no argument; found '\(arguments.positional[0])'")
    }
    if LauncherRank.isRoot { Console.text(page) }
    return ExitCode.done
  }

  private static var page: String {
    var lines = [
      ".Dd \(Program.released)", ".Dt LOCKSTEP 1", ".Os", ".Sh NAME", ".Nm lockstep",
      ".Nd train neural networks with many processes that stay in step", ".Sh SYNOPSIS",
    ]
    for command in Program.commands { lines += [".Nm", ".Cm \(command.name)", ".Op Ar arguments"] }
    lines += [
      ".Sh DESCRIPTION", ".Nm",
      "trains neural networks on CPUs, data-parallel over MPI.",
      "Start it alone, or on several ranks:", ".Pp", ".Dl mpirun -n 4 lockstep train CONFIG.json",
      ".Pp", "The weights are the same bits on any number of ranks.", ".Sh COMMANDS",
    ]
    for command in Program.commands {
      lines.append(".Ss \(command.name)")
      lines.append(".D1 Nm lockstep Cm \(command.name) \(text(command.usage, isArgument: true))")
      lines.append(".Pp")
      lines += sentences(sentence(command.summary))
      if !command.discussion.isEmpty {
        for paragraph in command.discussion.split(separator: "\n\n") {
          let isTable = paragraph.contains("   ")
          lines += isTable ? [".Bd -literal -offset indent"] : [".Pp"]
          lines += paragraph.split(separator: "\n").flatMap { line in
            isTable ? [text(String(line))] : sentences(text(String(line)))
          }
          if isTable { lines.append(".Ed") }
        }
      }
      if !command.options.isEmpty {
        lines.append(".Bl -tag -width indent")
        for option in command.options {
          let value = option.value.map { " Ar \(text($0, isArgument: true))" } ?? ""
          lines.append(
            ".It Fl \\-\(text(String(option.name.dropFirst(2)), isArgument: true))\(value)")
          lines += sentences(sentence(option.summary))
        }
        lines.append(".El")
      }
      lines += [".Pp", "Examples:", ".Pp"]
      lines += command.examples.map { ".Dl \(text($0, isArgument: true))" }
    }
    lines += [
      ".Sh FILES", "A run directory holds", ".Pa config.json ,", ".Pa metrics.jsonl ,",
      ".Pa evaluations.jsonl ,", ".Pa checkpoints ,", ".Pa outcome.json", "and at the end",
      ".Pa weights.safetensors .",
    ]
    lines += [".Sh EXIT STATUS", ".Bl -tag -width 4n"]
    for (code, meaning) in [
      ("0", "Done."), ("1", "Something failed that is not listed here."),
      ("2", "The user's input is wrong."),
      ("75", "Interrupted, and resumable with --resume."),
    ] { lines += [".It \(code)", text(meaning)] }
    lines += [".El", ".Sh SEE ALSO", ".Xr mpirun 1"]
    return lines.joined(separator: "\n") + "\n"
  }

  /// A line with each sentence on a line of its own, as mdoc wants it.
  private static func sentences(_ line: String) -> [String] {
    var (lines, rest) = ([String](), line[...])
    while let place = rest.indices.first(where: { place in
      let next = rest.index(after: place)
      return ".?!".contains(rest[place]) && next < rest.endIndex && rest[next] == " "
    }) {
      lines.append(String(rest[...place]))
      rest = rest[place...].dropFirst(2)
    }
    return (lines + (rest.isEmpty ? [] : [String(rest)])).map(guarded)
  }

  /// A line that does not begin as a command of mdoc's does.
  private static func guarded(_ line: String) -> String {
    line.hasPrefix(".") || line.hasPrefix("'") ? "\\&" + line : line
  }

  /// A line that is no sentence, as one.
  private static func sentence(_ line: String) -> String {
    text(line.prefix(1).uppercased() + line.dropFirst()) + (line.hasSuffix(".") ? "" : ".")
  }

  /// Text in which nothing is a command of mdoc's.
  ///
  /// - Parameter isArgument: whether it stands behind a macro, where words such as `Ar` mean something.
  private static func text(_ line: String, isArgument: Bool = false) -> String {
    var line = String(
      line.flatMap { character -> String in
        switch character {
        case "\\": "\\e"
        case "-": "\\-"
        case "\"" where isArgument: "\\(dq"
        default: String(character)
        }
      })
    line = guarded(String(line.drop { $0 == " " }))
    guard isArgument else { return line }
    return line.split(separator: " ").map { word in
      word == "|" || word.count <= 3 || ".,:;()[]".contains(word.first ?? "a")
        ? "\\&\(word)" : String(word)
    }.joined(separator: " ")
  }
}
