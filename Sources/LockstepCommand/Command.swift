/// One subcommand: its help, its options, what it does.
protocol Command {
  static var name: String { get }
  /// What stands behind the name in the usage line.
  static var usage: String { get }
  /// One line for the list of commands.
  static var summary: String { get }
  /// More for its own help.
  static var discussion: String { get }
  static var options: [OptionSpecification] { get }
  /// Command lines that work, one at least.
  static var examples: [String] { get }
  /// Does it; returns the exit code.
  static func run(_ arguments: Arguments) throws -> Int32
}

extension Command {
  static var discussion: String { "" }

  /// The text of `lockstep NAME --help`.
  static var help: String {
    var text = "usage: lockstep \(name) \(usage)\n\n\(summary)\n"
    if !discussion.isEmpty { text += "\n\(discussion)\n" }
    text += "\noptions:\n"
    let rows = (options + [.flag("--help", "show this help")]).map { option in
      (option.name + (option.value.map { " \($0)" } ?? ""), option.summary)
    }
    return text + table(rows) + "\nexamples:\n" + examples.map { "  \($0)\n" }.joined()
  }
}
