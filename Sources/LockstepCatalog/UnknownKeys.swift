import LockstepFiles

extension ConfigurationReader {
  /// Ends the reading: every key here and below that nobody asked for is an error, with the key that
  /// was most likely meant.
  package func finish() throws(ConfigurationError) {
    var all: [ConfigurationReader] = []
    collect(into: &all)
    var unknown: [(path: String, text: String)] = []
    for reader in all {
      for key in reader.object.keys where !reader.known.contains(key) {
        var text = "unknown key '\(key)'"
        if !reader.path.isEmpty { text += " in '\(reader.path)'" }
        unknown.append((reader.path(of: key), text + reader.hint(key, among: all)))
      }
    }
    guard let first = unknown.first else { return }
    throw ConfigurationError(
      source: source, path: first.path, reason: unknown.map(\.text).joined(separator: "\n"))
  }

  /// This reader and all that it made.
  private func collect(into all: inout [ConfigurationReader]) {
    all.append(self)
    for (_, entry) in entries {
      switch entry {
      case .value: break
      case .object(let reader): reader.collect(into: &all)
      case .objects(let readers): for reader in readers { reader.collect(into: &all) }
      }
    }
  }

  /// What an unknown key should have been: a key here of the same letters, a key of another type, a
  /// key of the same meaning here or elsewhere, a key here that is written nearly so.
  private func hint(_ key: String, among all: [ConfigurationReader]) -> String {
    let here = entries.map(\.key)
    let free = here.filter { object[$0] == nil }
    if let same = here.first(where: { NearestName.folded($0) == NearestName.folded(key) }) {
      return "; did you mean '\(same)'?"
    }
    if let types = types(having: key) { return "; it is a key of the \(types)" }
    if let same = NearestName.synonym(key, among: free) { return "; did you mean '\(same)'?" }
    if let elsewhere = Self.place(of: key, among: all.filter { $0 !== self }) {
      return "; did you mean '\(elsewhere)'?"
    }
    if let nearest = NearestName.find(key, among: here) { return "; did you mean '\(nearest)'?" }
    for reader in all {
      if let types = reader.types(having: key) {
        return "; it is a key of '\(reader.path)' with the \(types)"
      }
    }
    return here.isEmpty
      ? "" : "; known here: " + here.map { "'\($0)'" }.joined(separator: ", ")
  }

  /// The types, among those that could have been chosen here, that have a key: `type 'sgd'`.
  private func types(having key: String) -> String? {
    guard let name = NearestName.synonym(key, among: keysOfOtherTypes.keys.sorted()),
      NearestName.folded(name) == NearestName.folded(key), let types = keysOfOtherTypes[name]
    else { return nil }
    let shown = types.prefix(6).map { "'\($0)'" }.joined(separator: ", ")
    return (types.count == 1 ? "type " : "types ") + shown + (types.count > 6 ? ", …" : "")
  }

  /// The path of a key of the same meaning in other objects, the one nearest to the root.
  private static func place(of key: String, among readers: [ConfigurationReader]) -> String? {
    let deeper = readers.sorted { depth($0) < depth($1) }
    for meant in [NearestName.folded(key)] + Synonyms.names(of: NearestName.folded(key)) {
      for reader in deeper {
        for (name, _) in reader.entries
        where NearestName.folded(name) == NearestName.folded(meant)
          && !["type", "name"].contains(name)
        {
          return reader.path(of: name)
        }
      }
    }
    return nil
  }

  private static func depth(_ reader: ConfigurationReader) -> Int {
    reader.path.isEmpty ? 0 : reader.path.count { $0 == "." } + 1
  }
}
