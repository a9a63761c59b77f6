import LockstepConfiguration
import LockstepFiles

/// `lockstep schema`: what a configuration may hold, for editors.
enum SchemaCommand: Command {
  static let name = "schema"
  static let usage = "[OPTIONS]"
  static let summary = "print a JSON Schema of configurations, for editors"
  static let discussion = """
    A configuration that names the file, {"$schema": "lockstep.schema.json", …}, is completed and
    checked by editors that know JSON Schema (draft 2020-12).
    """
  static let options: [OptionSpecification] = [
    .option("--output", "FILE", "write it to a file")
  ]

  static func run(_ arguments: Arguments) throws -> Int32 {
    guard arguments.positional.isEmpty else {
      throw ArgumentError(
        description: "schema takes no argument; found '\(arguments.positional[0])'")
    }
    guard LauncherRank.isRoot else { return ExitCode.done }
    let text = RunConfiguration.schema.prettyText + "\n"
    if let path = arguments.value("--output") {
      try OutputFile.write(path, text: text)
    } else {
      Console.text(text)
    }
    return ExitCode.done
  }
}
