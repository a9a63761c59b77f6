import LockstepFiles

/// Configurations as text of the page, and what tells those of several runs apart.
struct PageConfiguration {
  private let runs: [RunRecord]

  init(_ runs: [RunRecord]) { self.runs = runs }

  /// The keys that differ, a row each, a column a run; nothing where there is one run, or no difference.
  var differences: String {
    let all = runs.map { run in
      run.configuration.map { Self.flat($0) } ?? []
    }
    var keys: [String] = []
    var values: [[String: String]] = []
    for list in all {
      values.append(Dictionary(list.map { ($0.key, $0.value) }, uniquingKeysWith: { $1 }))
      for (key, _) in list where !keys.contains(key) { keys.append(key) }
    }
    let different = keys.filter { key in Set(values.map { $0[key] ?? "–" }).count > 1 }
    guard runs.count > 1 else { return "" }
    guard !different.isEmpty else { return "<p class=\"soft\">The configurations are equal.</p>\n" }
    return HTML.table(
      [""] + runs.map(\.name), different.map { key in [key] + values.map { $0[key] ?? "–" } })
  }

  /// Each run's configuration, whole.
  var whole: String {
    runs.map { run in
      guard let configuration = run.configuration else {
        return "<p class=\"soft\">\(HTML.escaped(run.name)): there is no config.json.</p>\n"
      }
      return """
        <details class="run card"\(runs.count == 1 ? " open" : "")><summary>\(HTML.escaped(run.name))</summary>
        <pre tabindex="0" aria-label="configuration of \(HTML.escaped(run.name))">\(HTML.escaped(configuration.prettyText))</pre></details>

        """
    }.joined()
  }

  /// The values of all keys, by their paths.
  static func flat(_ value: JSONValue, _ path: String = "") -> [(key: String, value: String)] {
    switch value {
    case .object(let object) where object.count > 0:
      object.members.flatMap { key, value in
        flat(value, path.isEmpty ? key : "\(path).\(key)")
      }
    case .array(let elements) where elements.contains { $0.objectValue != nil }:
      elements.enumerated().flatMap { flat($1, "\(path).\($0)") }
    default: [(path, value.compactText.shortened(to: 200))]
    }
  }
}
