import LockstepEngine
import LockstepFiles
import LockstepLayers
import LockstepOptimization

extension ConfigurationReader {
  /// Reads a model: `{"type": PRESET, …}` or `{"layers": [{"type": LAYER, …}, …]}`.
  func model() throws(ConfigurationError) -> ModelDescription {
    if contains("layers") {
      if contains("type") {
        throw error("type", "names a preset, and 'layers' stands beside it; give one of the two")
      }
      return .layers(try layerList("layers"))
    }
    return .preset(try typed(among: PresetCatalog.catalog))
  }

  /// Reads `type` and that type's hyperparameters, defaults filled in.
  private func typed<Product>(
    among catalog: Catalog<Product>, default fallback: String? = nil
  ) throws(ConfigurationError) -> TypedDescription {
    noteTypes(catalog.entries.map { ($0.type, $0.hyperparameters.map(\.key)) })
    let type = try string("type", default: fallback, oneOf: catalog.entries.map(\.type))
    var description = TypedDescription(type)
    let entry = catalog.entry(type)!  // string(oneOf:) has checked it
    for hyperparameter in entry.hyperparameters {
      description.values[hyperparameter.key] = try value(of: hyperparameter)
    }
    return description
  }

  private func layerList(_ key: String) throws(ConfigurationError) -> [TypedDescription] {
    var layers: [TypedDescription] = []
    for reader in try objects(key, shorthand: "type") {
      var layer = try reader.typed(among: LayerCatalog.catalog)
      if let name = try reader.optionalString("name") { layer.values["name"] = .text(name) }
      layers.append(layer)
    }
    return layers
  }

  /// Reads one hyperparameter; nil where it is absent and absence has a meaning of its own.
  private func value(
    of hyperparameter: LayerHyperparameter
  ) throws(ConfigurationError) -> DescriptionValue? {
    let key = hyperparameter.key
    if !contains(key) {
      if let fallback = hyperparameter.defaultValue?.json {
        _ = try value(key, default: fallback)
        return hyperparameter.defaultValue
      }
      if !hyperparameter.isRequired {
        // Recorded as null, so that the resolved configuration shows the key.
        _ = try optionalString(key)
        return nil
      }
    }
    switch hyperparameter.kind {
    case .initializer:
      return .description(
        try object(key, shorthand: "type").typed(among: InitializerCatalog.catalog))
    case .layer:
      return .description(try object(key, shorthand: "type").typed(among: LayerCatalog.catalog))
    case .layers: return .descriptions(try layerList(key))
    case .constraint: return .constraint(try constraint(key))
    case .text(let choices) where !choices.isEmpty:
      return .text(try string(key, oneOf: choices))
    case .boolean, .integer, .number, .text, .integers, .pair, .padding:
      return try read(
        key, default: nil, expected: hyperparameter.expectation, json: { $0.json ?? .null }
      ) { raw in DescriptionValue(plain: raw).flatMap(hyperparameter.accepted) }
    }
  }

  /// Reads a weight constraint under a key.
  private func constraint(_ key: String) throws(ConfigurationError) -> WeightConstraint {
    try refuseNumber(key) { ["type": "maxNorm", "limit": $0] }
    return try object(key, shorthand: "type").constraint()
  }

  /// Reads a weight constraint: `{"type": "maxNorm", "limit": 2}`.
  func constraint() throws(ConfigurationError) -> WeightConstraint {
    let choice = try choice(among: ConstraintCatalog.entries)
    return try make { try ConstraintCatalog.make(choice.name, values: choice.values) }
  }

  /// Makes the model that was read; what does not fit is an error of its key.
  func make(_ description: ModelDescription) throws(ConfigurationError) -> any Model {
    do throws(DescriptionError) {
      return try description.make(path: path)
    } catch {
      throw ConfigurationError(source: source, path: error.path, reason: error.description)
    }
  }

  /// Reads a loss.
  func loss() throws(ConfigurationError) -> any LossFunction {
    let description = try typed(among: LossCatalog.catalog, default: "softmaxCrossEntropy")
    do throws(DescriptionError) {
      return try LossCatalog.catalog.make(description, path: path)
    } catch {
      throw ConfigurationError(source: source, path: error.path, reason: error.description)
    }
  }
}

extension DescriptionValue {
  /// A plain JSON value: a number, a flag, a text, an array of integers.
  fileprivate init?(plain value: JSONValue) {
    switch value {
    case .bool(let flag): self = .boolean(flag)
    case .integer(let number): self = .integer(number)
    case .number(let number): self = .number(number)
    case .string(let text): self = .text(text)
    case .array(let elements):
      let integers = elements.compactMap(\.integerValue)
      guard integers.count == elements.count else { return nil }
      self = .integers(integers)
    case .null, .object: return nil
    }
  }

  /// The same in JSON; nil for what is made by a reader.
  fileprivate var json: JSONValue? {
    switch self {
    case .boolean(let flag): .bool(flag)
    case .integer(let number): .integer(number)
    case .number(let number): .number(number)
    case .text(let text): .string(text)
    case .integers(let list): .array(list.map { .integer($0) })
    case .description, .descriptions, .constraint: nil
    }
  }
}
