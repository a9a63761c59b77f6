import Lockstep
import LockstepFiles

/// One option that a command takes.
struct OptionSpecification {
  /// The name with its dashes: `--run-directory`.
  let name: String
  /// What its value is called in help; nil for a flag.
  let value: String?
  /// One line for people.
  let summary: String
  /// Whether it may be given more than once.
  let repeats: Bool

  static func flag(_ name: String, _ summary: String) -> Self {
    Self(name: name, value: nil, summary: summary, repeats: false)
  }
  static func option(
    _ name: String, _ value: String, _ summary: String, repeats: Bool = false
  ) -> Self {
    Self(name: name, value: value, summary: summary, repeats: repeats)
  }
}

/// What was wrong with a command line, and what would be right.
struct ArgumentError: Error, CustomStringConvertible {
  let description: String
}

/// A command line taken apart: positional arguments, options with values, flags.
///
/// `--name value` and `--name=value` are the same; `--` ends the options.
struct Arguments {
  /// The arguments that belong to no option, in order.
  private(set) var positional: [String] = []
  private var values: [String: [String]] = [:]

  /// Takes arguments apart.
  ///
  /// - Throws: ``ArgumentError`` for an unknown option (with the nearest known one), a missing
  ///   value, a value given to a flag, or an option given twice.
  init(_ arguments: [String], options: [OptionSpecification]) throws {
    var rest = arguments[...]
    while let argument = rest.popFirst() {
      if argument == "--" {
        positional += rest
        return
      }
      guard argument.hasPrefix("-"), argument != "-" else {
        positional.append(argument)
        continue
      }
      let equals = argument.firstIndex(of: "=")
      let name = equals.map { String(argument[..<$0]) } ?? argument
      guard let option = options.first(where: { $0.name == name }) else {
        let hint = NearestName.find(name, among: options.map(\.name))
        throw ArgumentError(
          description: "unknown option '\(name)'"
            + (hint.map { "; did you mean '\($0)'?" } ?? "; see --help"))
      }
      guard option.repeats || values[name] == nil else {
        throw ArgumentError(description: "'\(name)' is given twice")
      }
      if option.value == nil {
        guard equals == nil else {
          throw ArgumentError(description: "'\(name)' takes no value; found '\(argument)'")
        }
        values[name] = [""]
      } else if let equals {
        values[name, default: []].append(String(argument[argument.index(after: equals)...]))
      } else if let value = rest.popFirst() {
        values[name, default: []].append(value)
      } else {
        throw ArgumentError(
          description: "'\(name)' needs a value: \(name) \(option.value ?? "")")
      }
    }
  }

  /// The options that were given, in the order of their names.
  var names: [String] { values.keys.sorted() }

  /// Whether a flag was given.
  func has(_ name: String) -> Bool { values[name] != nil }
  /// An option's value, nil where it was not given.
  func value(_ name: String) -> String? { values[name]?.last }
  /// All values of an option that repeats.
  func all(_ name: String) -> [String] { values[name] ?? [] }

  /// An option's value as a whole number of at least `least`.
  func integer(_ name: String, atLeast least: Int, atMost most: Int = 1 << 32) throws -> Int? {
    guard let text = value(name) else { return nil }
    guard let number = Int(text), number >= least else {
      throw ArgumentError(
        description: "'\(name)' must be a whole number of at least \(least); found '\(text)'")
    }
    guard number <= most else {
      throw ArgumentError(description: "'\(name)' must be at most \(most); found '\(text)'")
    }
    return number
  }

  /// The checkpoint of a run directory that `--checkpoint` names; nil where it was not given.
  func checkpoint() throws -> WeightsFile.Choice? {
    guard let text = value("--checkpoint") else { return nil }
    guard let choice = WeightsFile.Choice(text) else {
      throw ArgumentError(
        description: "'--checkpoint' must be best, last or a number of steps; found '\(text)'")
    }
    return choice
  }

  /// The path that an option gives for a plot: a name that ends in `.svg`, in a folder that is there.
  func plotPath(_ name: String) throws -> String? {
    guard let path = value(name) else { return nil }
    // A device or a fifo is written into, whatever its name.
    guard path.lowercased().hasSuffix(".svg") || FileKind(path) == .other else {
      throw ArgumentError(
        description: "'\(name)' writes SVG, so its name must end in '.svg'; found '\(path)'")
    }
    try checkFolder(of: path, name)
    return path
  }

  /// Makes sure that the folder of a file that an option names is there.
  func checkFolder(of path: String, _ name: String) throws {
    let folder = path.lastIndex(of: "/").map { String(path[...$0]) } ?? "."
    guard FileKind(folder) == .directory else {
      throw ArgumentError(description: "'\(name)': there is no folder '\(folder)'")
    }
  }

  /// The one positional argument.
  func single(_ what: String) throws -> String {
    let all = try several(what)
    guard all.count == 1 else {
      throw ArgumentError(description: "expected \(what) alone, found '\(all[1])' too")
    }
    return all[0]
  }

  /// The positional arguments, at least one.
  func several(_ what: String) throws -> [String] {
    guard !positional.isEmpty else { throw ArgumentError(description: "\(what) is missing") }
    return positional
  }

  /// The overrides given by `--set`.
  func overrides() throws -> [Override] { try all("--set").map { try Override(parsing: $0) } }
}
