import Lockstep
import LockstepFiles

/// `lockstep completion`: commands, options and their values, for shells.
enum CompletionCommand: Command {
  static let name = "completion"
  static let usage = "bash | zsh | fish"
  static let summary = "print a script that completes commands and options in a shell"
  static let discussion = """
    The script goes where the shell looks for completions; see the examples. It knows the commands of this
    version.
    """
  static let options: [OptionSpecification] = []

  static func run(_ arguments: Arguments) throws -> Int32 {
    let shell = try arguments.single("the shell's name")
    guard let script = scripts[shell] else {
      let hint = NearestName.find(shell, among: scripts.keys.sorted())
      throw ArgumentError(
        description: "there is no completion for '\(shell)'"
          + (hint.map { "; did you mean '\($0)'?" } ?? "; there are bash, fish and zsh"))
    }
    if LauncherRank.isRoot { Console.text(script(Program.commands)) }
    return ExitCode.done
  }

  private static let scripts: [String: @Sendable ([any Command.Type]) -> String] = [
    "bash": bash, "zsh": zsh, "fish": fish,
  ]

  // MARK: Scripts

  private static func bash(_ commands: [any Command.Type]) -> String {
    let options = commands.map { command in
      "    \(command.name)) options='\(names(of: command).joined(separator: " "))' ;;\n"
    }
    let values = commands.flatMap { command in
      command.options.compactMap { option -> String? in
        option.choices.map {
          "    \(command.name):\(option.name)) values='\($0.joined(separator: " "))' ;;\n"
        }
      }
    }
    return """
      # Completion of lockstep for bash.
      _lockstep() {
        local current=${COMP_WORDS[COMP_CWORD]} previous=${COMP_WORDS[COMP_CWORD-1]}
        local command=${COMP_WORDS[1]} options='' values=''
        COMPREPLY=()
        if ((COMP_CWORD == 1)); then
          mapfile -t COMPREPLY < <(compgen -W '\(words(commands))' -- "$current")
          return
        fi
        case $command in
      \(options.joined())\
        esac
        case $command in
          help) values='\(commands.map { $0.name }.joined(separator: " "))' ;;
          completion) values='bash fish zsh' ;;
        esac
        case $command:$previous in
      \(values.joined())\
        esac
        if [[ $current == -* ]]; then
          mapfile -t COMPREPLY < <(compgen -W "$options" -- "$current")
        elif [[ -n $values ]]; then
          mapfile -t COMPREPLY < <(compgen -W "$values" -- "$current")
        fi
      }
      complete -o default -F _lockstep lockstep

      """
  }

  private static func zsh(_ commands: [any Command.Type]) -> String {
    func quoted(_ text: String) -> String {
      text.replacing(["'": "'\\''", "[": "\\[", "]": "\\]", ":": "\\:"])
    }
    let list = commands.map { "    '\($0.name):\(quoted($0.summary))'\n" }
    let cases = commands.map { command in
      let options = command.options.map { option -> String in
        let value = option.value.map { _ in
          option.choices.map { ":value:(\($0.joined(separator: " ")))" } ?? ":value:_files"
        }
        return
          "        '\(option.repeats ? "*" : "")\(option.name)[\(quoted(option.summary))]\(value ?? "")' \\\n"
      }
      let rest = command.name == name ? ":shell:(bash fish zsh)" : ":file:_files"
      return
        "    \(command.name))\n      _arguments \\\n\(options.joined())        '--help[show the help]' '*\(rest)' ;;\n"
    }
    return """
      #compdef lockstep
      # Completion of lockstep for zsh.
      _lockstep() {
        local -a commands
        commands=(
      \(list.joined())\
        )
        if ((CURRENT == 2)); then
          _describe command commands
          return
        fi
        local command=$words[2]
        shift words
        ((CURRENT--))
        case $command in
      \(cases.joined())\
          help) _describe command commands ;;
        esac
      }
      if [ "$funcstack[1]" = _lockstep ]; then
        _lockstep "$@"
      else
        compdef _lockstep lockstep
      fi

      """
  }

  private static func fish(_ commands: [any Command.Type]) -> String {
    func quoted(_ text: String) -> String {
      "'" + text.replacing(["\\": "\\\\", "'": "\\'"]) + "'"
    }
    var lines = ["# Completion of lockstep for fish."]
    for command in commands {
      lines.append(
        "complete -c lockstep -n __fish_use_subcommand -f -a \(command.name) -d \(quoted(command.summary))"
      )
    }
    for command in commands {
      let condition = "-n '__fish_seen_subcommand_from \(command.name)'"
      for option in command.options {
        let value = option.value.map { _ in
          option.choices.map { " -x -a '\($0.joined(separator: " "))'" } ?? " -r"
        }
        lines.append(
          "complete -c lockstep \(condition) -l \(option.name.dropFirst(2))\(value ?? "") -d \(quoted(option.summary))"
        )
      }
    }
    lines.append(
      "complete -c lockstep -n '__fish_seen_subcommand_from completion' -f -a 'bash fish zsh'")
    return lines.joined(separator: "\n") + "\n"
  }

  private static func words(_ commands: [any Command.Type]) -> String {
    (commands.map { $0.name } + ["help", "--help", "--version"]).joined(separator: " ")
  }

  private static func names(of command: any Command.Type) -> [String] {
    command.options.map(\.name) + ["--help"]
  }
}

extension OptionSpecification {
  /// The values that an option takes, where there are few: `best|last` has two.
  fileprivate var choices: [String]? {
    guard let value, value.contains("|") else { return nil }
    let words = value.split(separator: "|").map(String.init)
    let fixed = words.filter { word in
      word.allSatisfy { $0.isASCII && ($0.isLowercase || $0.isNumber || "-.".contains($0)) }
    }
    return fixed.isEmpty ? nil : fixed
  }
}

extension String {
  /// The text with characters replaced.
  fileprivate func replacing(_ replacements: [Character: String]) -> String {
    map { replacements[$0] ?? String($0) }.joined()
  }
}
