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
        let hint = reader.hint(key, here: reader.entries.map(\.key), among: all)
        unknown.append((reader.path(of: key), reader.unknown(key) + hint))
      }
    }
    guard let first = unknown.first else { return }
    throw ConfigurationError(
      source: source, path: first.path, reason: unknown.map(\.text).joined(separator: "\n"))
  }

  /// The error of a required key that is absent: first the unknown keys of the object that lacks it, one of which
  /// may be that key misspelt.
  ///
  /// - Parameter expectation: what the value must be, in words.
  func missing(_ key: String, expected expectation: String) -> ConfigurationError {
    missing(key, "is missing; it must be \(expectation)")
  }

  /// The same, in the caller's words.
  package func missing(_ key: String, _ reason: String) -> ConfigurationError {
    let absence = error(key, reason)
    // An object that is absent as a whole is missing in the one around it.
    var (reader, absent) = (self, [key, alternative ?? key])
    while reader.isAbsent, let parent = reader.parent {
      absent = [String(reader.path.dropFirst(parent.path.isEmpty ? 0 : parent.path.count + 1))]
      reader = parent
    }
    let here = reader.expected + reader.entries.map(\.key).filter { !reader.expected.contains($0) }
    let strange = reader.keys.filter {
      !reader.known.contains($0) && !here.contains($0)
        && (!reader.isTypeOpen || reader.keysOfOtherTypes[$0] == nil)
    }
    guard !here.isEmpty, let first = strange.first else { return absence }
    var all: [ConfigurationReader] = []
    reader.root.collect(into: &all)
    let hints = strange.map { reader.hint($0, here: here, among: all) }
    var lines = zip(strange, hints).map { reader.unknown($0) + $1 }
    if !absent.contains(where: { key in hints.contains { $0.contains("'\(key)'?") } }) {
      lines.append(absence.reason)
    }
    return ConfigurationError(
      source: source, path: reader.path(of: first), reason: lines.joined(separator: "\n"))
  }

  private var root: ConfigurationReader { parent?.root ?? self }

  private func unknown(_ key: String) -> String {
    "unknown key '\(key)'" + (path.isEmpty ? "" : " in '\(path)'")
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
  ///
  /// - Parameter here: the keys that this object may have.
  private func hint(
    _ key: String, here: [String], among all: [ConfigurationReader]
  ) -> String {
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
