import LockstepFiles

extension Form {
  /// Reads an object: what is chosen, its keys, and all objects in it, defaults filled in.
  ///
  /// What values mean together is not checked; ``Catalog/make(_:)`` does that.
  package func read(
    _ reader: ConfigurationReader
  ) throws(ConfigurationError) -> Hyperparameters {
    reader.expected = known
    try refusal?(reader)
    var hyperparameters = keys
    var chosen = ""
    if let alternative, reader.contains(alternative.key), !isOfVariant(alternative.key, reader) {
      if reader.contains(choiceKey) {
        throw reader.error(
          choiceKey,
          "names a preset, and '\(alternative.key)' stands beside it; give one of the two"
        )
      }
      hyperparameters.insert(alternative, at: 0)
    } else if !variants.isEmpty {
      reader.noteTypes(variants.map { ($0.name, $0.hyperparameters.map(\.key)) })
      reader.alternative = alternative?.key
      reader.expected = [choiceKey] + [alternative].compactMap { $0?.key } + keys.map(\.key)
      reader.isTypeOpen = true
      chosen = try reader.choice(choiceKey, default: fallback, oneOf: variants.map(\.name))
      hyperparameters = (variant(chosen)?.hyperparameters ?? []) + keys
    }
    reader.isTypeOpen = false
    reader.alternative = nil
    reader.expected = hyperparameters.map(\.key)
    var values: [String: JSONValue] = [:]
    var nested: [String: [Hyperparameters]] = [:]
    for hyperparameter in hyperparameters {
      // A list without entries, as a resolved configuration has it, takes no other key's place.
      if let other = hyperparameter.alternative, reader.contains(other),
        reader.peek(other) != .array([])
      {
        continue
      }
      switch hyperparameter.kind {
      case .object(let form):
        nested[hyperparameter.key] = try form().object(hyperparameter, in: reader).map { [$0] }
      case .objects(let form):
        nested[hyperparameter.key] = try form().objects(hyperparameter, in: reader)
      case .members(let form):
        nested[hyperparameter.key] = try form().members(hyperparameter, in: reader)
      case .either(let plain, .object(let form)):
        if case .object? = reader.peek(hyperparameter.key) {
          nested[hyperparameter.key] = try form().object(hyperparameter, in: reader).map { [$0] }
        } else {
          values[hyperparameter.key] = try hyperparameter.of(plain).value(in: reader, values)
        }
      default:
        values[hyperparameter.key] = try hyperparameter.value(in: reader, values)
      }
    }
    return Hyperparameters(
      name: chosen, source: reader.source, path: reader.path, resolved: reader.resolved,
      values: values, nested: nested)
  }

  /// All keys that an object may have, whatever is chosen in it.
  private var known: [String] {
    let all = (variants.isEmpty ? [] : [choiceKey]) + [alternative].compactMap { $0?.key }
    return (keys + variants.flatMap(\.hyperparameters)).map(\.key).reduce(into: all) {
      if !$0.contains($1) { $0.append($1) }
    }
  }

  /// Whether a key is one of the variant that is chosen: the number of layers of a preset, say.
  private func isOfVariant(_ key: String, _ reader: ConfigurationReader) -> Bool {
    guard let name = reader.peek(choiceKey)?.stringValue, let variant = variant(name) else {
      return false
    }
    return variant.hyperparameters.contains { $0.key == key }
  }

  private func object(
    _ hyperparameter: Hyperparameter, in reader: ConfigurationReader
  ) throws(ConfigurationError) -> Hyperparameters? {
    let key = hyperparameter.key
    if let numberMeans { try reader.refuseNumber(key, meaning: numberMeans) }
    if hyperparameter.isOptional, !reader.isPresent(key) { return nil }
    return try read(reader.object(key, shorthand: shorthand))
  }

  /// The objects of an object of any names.
  private func members(
    _ hyperparameter: Hyperparameter, in reader: ConfigurationReader
  ) throws(ConfigurationError) -> [Hyperparameters] {
    guard reader.isPresent(hyperparameter.key) else { return [] }
    let members = try reader.object(hyperparameter.key)
    var list: [Hyperparameters] = []
    for name in members.keys {
      var member = try read(members.object(name, shorthand: shorthand))
      member.key = name
      list.append(member)
    }
    return list
  }

  private func objects(
    _ hyperparameter: Hyperparameter, in reader: ConfigurationReader
  ) throws(ConfigurationError) -> [Hyperparameters] {
    if let numberMeans { try reader.refuseNumber(hyperparameter.key, meaning: numberMeans) }
    var list: [Hyperparameters] = []
    for element in try reader.objects(
      hyperparameter.key, required: hyperparameter.isRequired, shorthand: shorthand)
    {
      list.append(try read(element))
    }
    return list
  }
}

extension Hyperparameter {
  /// Reads a plain value; nil where it is absent and absence has a meaning of its own.
  ///
  /// - Parameter before: the values of the keys before.
  fileprivate func value(
    in reader: ConfigurationReader, _ before: [String: JSONValue]
  ) throws(ConfigurationError) -> JSONValue? {
    if isOptional, !reader.isPresent(key) { return nil }
    let fallback = defaultValue ?? derivation?(before)
    switch kind {
    case .choice(let choices):
      return .string(try reader.choice(key, default: fallback?.stringValue, oneOf: choices))
    case .file: return .string(try reader.filePath(key))
    case .files: return try reader.filePaths(key)
    default:
      return try reader.read(
        key, default: fallback.map { kind.accepted($0) ?? $0 }, expected: kind.expectation,
        json: { $0 }, unwraps: !kind.isList, kind.accepted)
    }
  }
}

extension ConfigurationReader {
  /// The path of a file, or a list of paths, as ``filePath(_:)`` reads one.
  package func filePaths(_ key: String) throws(ConfigurationError) -> JSONValue {
    let kind = HyperparameterKind.files
    return try read(
      key, default: nil, expected: kind.expectation, json: { $0 }, unwraps: false
    ) { [directory] value in
      func absolute(_ path: JSONValue) -> JSONValue {
        .string(AbsolutePath.of(path.stringValue ?? "", in: directory))
      }
      return kind.accepted(value).map { accepted in
        accepted.arrayValue.map { .array($0.map(absolute)) } ?? absolute(accepted)
      }
    }
  }

  /// A word of several. A whole number stands for its digits: 2 for "2".
  package func choice(
    _ key: String, default fallback: String? = nil, oneOf choices: [String]
  ) throws(ConfigurationError) -> String {
    let kind = HyperparameterKind.choice(choices)
    do throws(ConfigurationError) {
      return try read(
        key, default: fallback, expected: kind.expectation, json: { .string($0) }
      ) { kind.accepted($0)?.stringValue }
    } catch {
      guard case .string(let text)? = peek(key) else { throw error }
      let hint = NearestName.find(text, among: choices).map { "; did you mean '\($0)'?" } ?? ""
      throw self.error(key, "must be \(kind.expectation); found '\(text)'\(hint)")
    }
  }
}
