import LockstepConfiguration
import LockstepFiles

/// `lockstep catalog`: what configurations can name.
enum CatalogCommand: Command {
  static let name = "catalog"
  static let usage = "[KIND…] [OPTIONS]"
  static let summary = "list optimizers, clips, constraints, layers and more, with their keys"
  static let discussion = """
    Without a kind, lists the kinds and the keys that name them; with one or more, what there is of
    each, with its keys. Sections of a configuration are kinds, too. Kinds: \(CatalogTables.names.joined(separator: ", ")).
    """
  static let options: [OptionSpecification] = [
    .flag("--markdown", "print tables for documentation")
  ]

  static func run(_ arguments: Arguments) throws -> Int32 {
    let kinds = arguments.positional
    if kinds.isEmpty, LauncherRank.isRoot {
      Console.text("kinds, and the keys that name one: lockstep catalog KIND\n\n")
      Console.text(table(CatalogTables.contents.map { ($0.name, $0.content) }))
    }
    for kind in kinds {
      let markdown = arguments.has("--markdown")
      guard let text = markdown ? CatalogTables.markdown(kind) : CatalogTables.text(kind) else {
        let hint = NearestName.find(kind, among: CatalogTables.names)
        throw ArgumentError(
          description: "there is no kind '\(kind)'"
            + (hint.map { "; did you mean '\($0)'?" }
              ?? "; there are \(CatalogTables.names.joined(separator: ", "))"))
      }
      guard LauncherRank.isRoot else { continue }
      if kinds.count > 1 { Console.line(markdown ? "\n## \(kind)\n" : "\n\(kind)\n") }
      Console.line(text)
    }
    return ExitCode.done
  }
}
