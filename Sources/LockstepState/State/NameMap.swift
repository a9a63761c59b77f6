import LockstepEngine

/// How a file's tensor names become the model's: rules in order, the first that fits a name counts,
/// and a name that none fits stays.
///
/// ```swift
/// NameMap([
///   .init("module.*", to: "*"),           // a prefix taken away
///   .init("backbone.*", to: "features.*"),  // another put in its place
///   .init("fc.*", to: nil),               // left out
/// ])
/// ```
public struct NameMap: Sendable, Equatable {
  /// One rule.
  public struct Rule: Sendable, Equatable {
    /// The names it holds for; `*` stands for any run of characters, `?` for one.
    package let pattern: String
    /// The name in the model, its `*` standing for what those of the pattern stood for, in order;
    /// nil leaves the tensor out.
    package let replacement: String?

    /// Makes a rule that renames what fits a pattern; nil leaves it out.
    public init(_ pattern: String, to replacement: String?) {
      self.pattern = pattern
      self.replacement = replacement
    }
  }

  /// The rules; the first that fits a name counts.
  package let rules: [Rule]

  /// - Throws: an error for a replacement with more `*` than its pattern.
  public init(_ rules: [Rule] = []) throws {
    for rule in rules {
      let (given, used) = (
        NameGlob(rule.pattern).wildcardCount, NameGlob(rule.replacement ?? "").wildcardCount
      )
      guard used <= given else {
        throw NameMapError.tooManyWildcards(
          pattern: rule.pattern, replacement: rule.replacement ?? "")
      }
    }
    self.rules = rules
  }

  /// The model's name for a file's; nil for a tensor to be left out.
  package func callAsFunction(_ name: String) -> String? {
    for rule in rules {
      guard let runs = NameGlob(rule.pattern).wildcards(in: name) else { continue }
      guard let replacement = rule.replacement else { return nil }
      var next = runs.makeIterator()
      return replacement.reduce(into: "") { result, character in
        if character == "*" { result += next.next() ?? "" } else { result.append(character) }
      }
    }
    return name
  }
}

/// What is wrong with a map of names.
package enum NameMapError: Error, Equatable, CustomStringConvertible {
  /// A replacement has more `*` than its pattern.
  case tooManyWildcards(pattern: String, replacement: String)

  package var description: String {
    switch self {
    case .tooManyWildcards(let pattern, let replacement):
      return "the replacement '\(replacement)' has more * than the pattern '\(pattern)'"
    }
  }
}
